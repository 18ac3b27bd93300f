#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A disk that is too small for the image: one line that says so, nothing half there, and the image
# comes once there is room.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs root
start_registry
busybox_layer
mkdir "$tmp/random"
head -c 6000000 /dev/urandom >"$tmp/random/file"
make_image "$tmp/image" gzip "$cached" "$tmp/random"
push "$tmp/image" tool:1
image=docker://$registry/tool:1

mount -t tmpfs -o size=5m,uid=1000,gid=1000,mode=700 podpilot-test "$cache"
mounts+=("$cache")
expect_error cache-full ENOSPC pull "$image"
expect_whole_cache
used=$(df --output=used "$cache" | tail -n 1)
((used < 3000)) || fail "a failed pull left $used KiB behind"  # the layer that did fit may stay
mount -o remount,size=50m "$cache"
expect_exit 0 pull "$image"
expect_whole_cache
