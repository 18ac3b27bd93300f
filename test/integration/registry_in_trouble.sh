#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: timeout 240
# A registry that is overloaded or breaks off is asked again, for as long as it makes sense; then
# the answer is one line, and the cache is as whole as before.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
start_registry
busybox_image
push "$cached" tool:1
manifest=$(jq -r '.manifests[0].digest' "$cached/index.json")
layer=$(jq -r '.layers[0].digest' "$cached/blobs/sha256/${manifest#sha256:}")
start_proxy
image=docker://$registry/tool:1

for fault in 'manifests status 429 Retry-After=1 x1' "$layer status 503 x1" \
  "$layer truncate 5000 x1" 'manifests status 500 x2'; do
  echo "$fault" >"$tmp/faults"
  expect_exit 0 pull "$image"
  expect_exit 0 podpilot cache gc --size 0 --cache "$cache"
done

trouble() { # FAULT NAMED
  local start=$SECONDS
  echo "$1" >"$tmp/faults"
  expect_error registry-unavailable "$2" pull "$image"
  printf '%s s: %s\n' $((SECONDS - start)) "$(<"$err")"
}
trouble "$layer truncate 5000" "$layer"
trouble 'manifests status 503' "$registry"
expect_whole_cache
