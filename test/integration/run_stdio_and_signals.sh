#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# podpilot is transparent: bytes go through stdin, stdout and stderr unchanged, and a signal that
# podpilot gets is one that the payload gets, so that timeout(1) and batch systems work with it.
# shellcheck source=test/integration/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
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

for signal in TERM INT HUP USR1 USR2 QUIT; do
  "${podpilot[@]}" run --cache "$cache" "$image" -- sh -c "trap 'echo got $signal; exit 9' $signal
    echo ready; while :; do sleep 0.05; done" >"$out" 2>"$err" &
  pids+=($!)
  wait_for 10 grep -q ready "$out"
  kill "-$signal" $!
  status=0
  wait $! || status=$?
  expect_equal "$status" 9 "exit code after SIG$signal"
  expect_grep "got $signal" "$out"
done

# Without a handler the payload dies of it, as a program started by hand would.
"${podpilot[@]}" run --cache "$cache" "$image" -- sh -c 'echo ready; exec sleep 60' >"$out" &
pids+=($!)
wait_for 10 grep -q ready "$out"
kill -TERM $!
status=0
wait $! || status=$?
expect_equal "$status" 143 "exit code after SIGTERM"
