#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The image says how it is to be run (Entrypoint, Cmd, Env, WorkingDir, User), and the command line
# replaces each of them the way people know it from docker.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_layer
make_image "$tmp/image" gzip "$cached" -- --config.entrypoint echo --config.entrypoint entry \
  --config.cmd cmd --config.env PATH=/bin --config.env COLOUR=blue --config.env 'SPACE=a b' \
  --config.workingdir /made/on/demand --config.user user
push "$tmp/image" configured:1
image=docker://$registry/configured:1

expect_exit 0 run "$image"
expect_out 'entry cmd'
expect_exit 0 run "$image" other words
expect_out 'entry other words'
expect_exit 0 run "$image" -- --help -x
expect_out 'entry --help -x'
expect_exit 0 run --entrypoint printf "$image" '%s|' one 'two three' 'four,five'
expect_out 'one|two three|four,five|'
expect_exit 0 run --entrypoint id "$image"  # without Cmd
expect_grep '^uid=1000\(user\) gid=1000\(user\)' "$out"
expect_exit 0 run --entrypoint sh "$image" -c 'pwd; echo $COLOUR, $SPACE, $HOME'
expect_out $'/made/on/demand\nblue, a b, /home/user'

expect_exit 0 run --entrypoint sh -e COLOUR=red -e 'EMPTY=' -e NEW=a,b -w /tmp -u root "$image" \
  -c 'pwd; echo $COLOUR, ${EMPTY-unset}, $NEW; id -u; echo $HOME'
expect_out $'/tmp\nred, , a,b\n0\n/root'
expect_exit 0 run --entrypoint id -u 1234:2345 "$image"
expect_grep '^uid=1234 gid=2345' "$out"
expect_error job-invalid nobody-here run -u nobody-here "$image"

# Nothing of our own environment goes in.
expect_exit 0 "${unprivileged[@]}" env "HOME=$tmp/home" SECRET=1 "$program" run \
  --cache "$cache" --entrypoint env "$image"
expect_no_grep '^SECRET' "$out"
