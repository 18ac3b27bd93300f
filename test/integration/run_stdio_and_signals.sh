#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# podpilot is transparent: bytes go through stdin, stdout and stderr unchanged, and a signal that
# podpilot gets is one that the payload gets, so that timeout(1) and batch systems work with it.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
image=docker://$registry/busybox:1

head -c 3000000 /dev/urandom >"$tmp/bytes"
expect_exit 0 run "$image" cat <"$tmp/bytes"
cmp "$out" "$tmp/bytes" || fail "stdin to stdout changed the bytes"
expect_exit 0 run "$image" -- sh -c 'cat >&2' <"$tmp/bytes"
cmp "$err" "$tmp/bytes" || fail "stdin to stderr changed the bytes"
expect_exit 0 run "$image" -- sh -c 'echo out; echo err >&2'
expect_out out
expect_equal "$(<"$err")" err stderr

# No terminal, a session of its own.
expect_exit 0 run "$image" -- sh -c 'test -t 0 || echo no terminal; cut -d" " -f6 /proc/$$/stat'
expect_out $'no terminal\n2'

start() { # COMMAND...: in the background, until it says that it is ready
  : >"$out"
  "${podpilot[@]}" run --cache "$cache" "$image" -- "$@" >"$out" &
  wait_for 10 grep -q ready "$out"
}
expect_end() { # CODE
  local status=0
  wait $! || status=$?
  expect_equal "$status" "$1" "exit code after SIG$signal"
}
for signal in TERM INT HUP USR1 USR2 QUIT; do
  start sh -c "trap 'echo got $signal; exit 9' $signal; echo ready; while :; do sleep 0.05; done"
  kill "-$signal" $!
  expect_end 9
  expect_grep "got $signal" "$out"
done
# Without a handler the payload dies of it, as a program started by hand would.
signal=TERM
start sh -c 'echo ready; exec sleep 60'
kill -TERM $!
expect_end 143
