#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Whoever runs podpilot from a script learns from its exit code what happened: the payload's own
# code, 128+n for its signal, 127 and 126 for a program that is not there or cannot run, 125 for
# podpilot's own failures.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
image=docker://$registry/busybox:1

expect_exit 0 run "$image" true
expect_exit 1 run "$image" false
expect_exit 42 run "$image" -- sh -c 'exit 42'
expect_exit 255 run "$image" -- sh -c 'exit 255'
expect_exit 137 run "$image" -- sh -c 'kill -KILL $$'
expect_exit 143 run "$image" -- sh -c 'kill -TERM $$'
expect_exit 139 run "$image" -- sh -c 'kill -SEGV $$'
expect_exit 127 run "$image" no-such-program
expect_grep 'no-such-program.*payload-not-found' "$err"
expect_exit 127 run "$image" /no/such/program
expect_exit 126 run "$image" /etc/passwd
expect_grep '/etc/passwd.*payload-not-executable' "$err"
expect_exit 126 run "$image" /bin
expect_error image-not-found no-such-image run "docker://$registry/no-such-image:1" true
expect_exit 125 run
expect_exit 125 run --no-such-option "$image"
