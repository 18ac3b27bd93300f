#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Folders may have names with the characters that overlay's mount options and tools trip over.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
image=docker://$registry/busybox:1

for name in 'colon:comma,space equals=' 'back\slash "quote" %s $HOME *' $'new\nline' "-dash" 'ünïcode' \
  "$(printf 'long%.0s' {1..50})"; do
  cache=$tmp/work/$name
  expect_exit 0 run "$image" sh -c 'echo changed >/etc/passwd; cat /etc/passwd'
  expect_out changed
  expect_whole_cache
done
