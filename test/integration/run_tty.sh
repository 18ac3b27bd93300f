#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# With -t the program has a terminal of its own, of the window's size; keys such as ^C reach it as
# signals; ours is in raw mode meanwhile and as before afterwards.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns python3
start_registry
busybox_image
push "$cached" busybox:1

cat >"$tmp/terminal.py" <<'END'
import fcntl, os, pty, select, struct, sys, termios, time
pid, master = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
before, seen, sent = termios.tcgetattr(master), b"", 0
end = time.time() + 20
while time.time() < end:
    if select.select([master], [], [], 0.2)[0]:
        try:
            data = os.read(master, 4096)
        except OSError:  # the other side closed
            break
        seen += data
    if sent == 0 and b"ready" in seen:
        os.write(master, b"typed\r")
        sent = 1
    if sent == 1 and b"line typed" in seen:
        os.write(master, b"\x03")
        sent = 2
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
after = termios.tcgetattr(master)
print(seen.decode())
print("status", status, "restored", before[:4] == after[:4])
END
expect_exit 0 python3 "$tmp/terminal.py" "${podpilot[@]}" run -q -t --cache "$cache" \
  "docker://$registry/busybox:1" -- sh -c 'tty; stty size; test -t 0 && test -t 1 && test -t 2 &&
    trap "echo interrupted; exit 7" INT; echo ready; read line; echo line $line
    while :; do sleep 0.05; done'
expect_grep '^/dev/(pts/0|console)' "$out"
expect_grep '^33 77' "$out"
expect_grep 'interrupted' "$out"
expect_grep '^status 7 restored True' "$out"
