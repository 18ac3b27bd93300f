#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: timeout 900
# ctest: long
# A registry that takes the request and then says nothing, stops in the middle of a layer, or stays
# overloaded does not hold podpilot for ever; a slow one that goes on does not time out.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
start_registry
busybox_image
push "$cached" tool:1
start_proxy
image=docker://$registry/tool:1

for fault in 'manifests stall 0' 'blobs stall 50000 x1\nblobs stall 0' 'blobs truncate 0' 'blobs status 500' \
  'manifests status 429 Retry-After=1'; do
  printf '%b\n' "$fault" >"$tmp/faults"
  start=$SECONDS
  expect_error registry-unavailable "$registry" timeout 300 "${podpilot[@]}" pull --cache "$cache" "$image"
  printf '%s: %s s: %s\n' "$fault" $((SECONDS - start)) "$(<"$err")"
done
expect_whole_cache
echo 'blobs rate 30000' >"$tmp/faults"  # 1 MB: longer than the stall window
expect_exit 0 pull "$image"
