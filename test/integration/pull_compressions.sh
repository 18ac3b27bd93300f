#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Layers come in gzip, in zstd and as they are; the same content is the same stored layer however
# it came.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_layer
for compression in gzip zstd plain; do
  make_image "$tmp/image" "$compression" "$cached" -- --config.env PATH=/bin
  push "$tmp/image" "tool:$compression"
done
for compression in gzip zstd plain; do
  expect_exit 0 podpilot run --cache "$tmp/work/$compression" \
    "docker://$registry/tool:$compression" busybox sha256sum /bin/busybox
  expect_equal "$(cut -d' ' -f1 "$out")" "$(sha256sum <"$(command -v busybox)" | cut -d' ' -f1)"
done
for compression in gzip zstd plain; do
  expect_exit 0 run "docker://$registry/tool:$compression" true
done
expect_exit 0 podpilot cache verify --json --cache "$cache"
expect_equal "$(jq .layers "$out")" 1 "stored layers"
