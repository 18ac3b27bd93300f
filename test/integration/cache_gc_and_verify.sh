#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# cache ls tells what is there, verify finds a byte that changed and removes that layer alone, gc
# makes room, and the next run pulls what is missing again.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_layer
mkdir "$tmp/data"
echo precious >"$tmp/data/file"
make_image "$tmp/image" gzip "$cached" "$tmp/data" -- --config.env PATH=/bin
push "$tmp/image" tool:1
image=docker://$registry/tool:1

expect_exit 0 run "$image" cat /file
expect_out precious
expect_exit 0 podpilot cache ls --json --cache "$cache"
expect_equal "$(jq -c '[.layers, .references]' "$out")" "[2,[\"$image\"]]" "cache ls"
expect_whole_cache

file=$(find "$cache" -name file -type f)
chmod u+w "$file"
echo damaged. >"$file"
expect_exit 1 podpilot cache verify --cache "$cache"
expect_grep '^damaged sha256:' "$out"
expect_exit 0 podpilot cache verify --remove --cache "$cache"
expect_exit 0 run "$image" cat /file
expect_out precious

expect_exit 0 podpilot cache gc --size 0 --json --cache "$cache"
expect_equal "$(jq -c '[.images, .layers]' "$out")" '[1,2]' "removed"
expect_exit 0 run "$image" cat /file
expect_out precious
expect_whole_cache
