#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Whatever a registry sends, the answer is one line that names the thing, a slug and what to do,
# and a cache that is as whole as before.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
start_registry
busybox_image
layout=$cached
push "$layout" tool:1
push "$layout" library/untouched:1
manifest=$(jq -r '.manifests[0].digest' "$layout/index.json")
layer=$(jq -r '.layers[0].digest' "$layout/blobs/sha256/${manifest#sha256:}")
config=$(jq -r '.config.digest' "$layout/blobs/sha256/${manifest#sha256:}")
nothing=sha256:$(sha256sum </dev/null | cut -d' ' -f1)
start_proxy
image=docker://$registry/tool:1
expect_exit 0 pull "docker://$registry/library/untouched:1"

bad() { # FAULTS SLUG NAMED [IMAGE]
  printf '%b\n' "$1" >"$tmp/faults"
  expect_error "$2" "$3" podpilot pull --cache "$tmp/work/cache" "${4:-$image}"
  printf '%-50s %s\n' "${1:-none}" "$(<"$err")"
}
expect_exit 0 podpilot pull --cache "$tmp/work/cache" "docker://$registry/library/untouched:1"
expect_exit 0 podpilot cache gc --size 0 --cache "$tmp/work/cache"

bad '' image-not-found "tool:nope" "docker://$registry/tool:nope"
bad '' image-not-found "nope:1" "docker://$registry/nope:1"
bad '' image-not-found "$nothing" "docker://$registry/tool@$nothing"
bad '' image-invalid "UPPER" "docker://$registry/UPPER:1"
bad '' image-invalid "sha256:12" "docker://$registry/tool@sha256:12"
bad 'manifests status 401' image-denied "$registry"
bad 'manifests status 403' image-denied "$registry"
bad 'manifests status 404' image-not-found tool:1
bad "$layer status 404" image-not-found "$layer"
bad 'manifests status 400' image-invalid "$registry"
bad 'manifests html' image-invalid "$registry"
bad 'manifests flip' image-corrupt "$manifest" "docker://$registry/tool@$manifest"
bad "manifests replace $config $nothing" image-corrupt "$manifest"
bad "$config flip" image-corrupt "$config"
bad "$layer flip" image-corrupt "$layer"
bad "$layer append 1" image-corrupt "$layer"
bad "$layer append 1000000" image-corrupt "$layer"

for cache in "$cache" "$tmp/work/cache"; do expect_whole_cache; done
