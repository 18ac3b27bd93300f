#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Once an image is there, the registry may be down.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
image=docker://$registry/busybox:1

expect_exit 0 pull "$image"
kill "$registry_pid"
wait "$registry_pid" || true
expect_exit 0 run "$image" echo warm
expect_out warm
expect_exit 0 run --pull never "$image" echo warm
expect_error registry-unavailable "$registry" run --pull always "$image" true
expect_whole_cache
