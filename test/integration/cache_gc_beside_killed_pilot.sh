#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# gc leaves an image alone until the last process that sees it is gone, though the pilot that held
# it was killed, or the launcher: a tracer keeps the payload on the way to its end, as a disk that
# hangs would. Stopped processes end with their pilot, too.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs root userns python3
start_registry
busybox_layer
mkdir "$tmp/files"
echo precious >"$tmp/files/file"
make_image "$tmp/image" gzip "$cached" "$tmp/files" -- --config.env PATH=/bin
push "$tmp/image" tool:1
collect() { podpilot cache gc --json --size 0 --cache "$cache"; }

start_run() { # sets running, launcher, first (pid 1) and payload
  "${podpilot[@]}" run --quiet --cache "$cache" "$registry/tool:1" \
    sh -c "while :; do sleep 1; done # $tmp/work" >"$out" 2>"$err" &
  running=$!
  wait_for 20 pgrep -f -- "^sh -c while.*$tmp/work" >"$tmp/pids"
  payload=$(<"$tmp/pids")
  launcher=$(pgrep -P "$running" -x podpilot-launch)
  first=$(pgrep -P "$launcher")
}

# From its end on the process stays with all that it has, until `holder` is killed.
hold() { # PID
  python3 - "$1" <<'END' &
import ctypes, os, signal, sys
PTRACE_SEIZE, PTRACE_O_TRACEEXIT = 0x4206, 0x40
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
if libc.ptrace(PTRACE_SEIZE, int(sys.argv[1]), None, PTRACE_O_TRACEEXIT) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
signal.pause()
END
  holder=$!
  wait_for 5 grep -q "^TracerPid:[[:space:]]*$holder$" "/proc/$1/status"
}

is_held() { grep -q '^State:[[:space:]]*t' "/proc/$1/status"; }
end_now() { # PID, a child of this shell
  kill -KILL "$1"
  { wait "$1" || true; } 2>/dev/null
}

for victim in pilot launcher; do
  start_run
  hold "$payload"
  if [[ $victim == pilot ]]; then end_now "$running"; else kill -KILL "$launcher"; fi
  wait_for 5 is_held "$payload"
  expect_exit 0 collect
  expect_equal "$(jq -c '[.images, .layers, .images_in_use]' "$out")" '[0,0,1]' "removed, $victim dead"
  expect_equal "$(cat "/proc/$payload/root/file")" precious "what the payload sees"
  end_now "$holder"
  wait_for 10 no_processes
  { wait "$running" || true; } 2>/dev/null
  expect_exit 0 collect
  expect_equal "$(jq -c '[.images, .layers, .images_in_use]' "$out")" '[1,2,0]' 'removed at last'
done

start_run
kill -STOP "$launcher" "$first" "$payload"
end_now "$running"
wait_for 10 no_processes
