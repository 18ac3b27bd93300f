#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The config names each layer's digest after unpacking. A layer that is what the manifest says and
# not what the config says is not stored.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
start_registry
busybox_image
cp -r "$cached" "$tmp/image"
blobs=$tmp/image/blobs/sha256
digest() { local sum && sum=$(sha256sum <"$1") && printf '%s' "${sum%% *}"; }
store() { # FILE: as a blob; sets `stored`
  stored=$(digest "$1")
  mv "$1" "$blobs/$stored"
}
manifest=$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' "$tmp/image/index.json")
config=$(jq -r '.config.digest | ltrimstr("sha256:")' "$blobs/$manifest")
jq -cj '.rootfs.diff_ids[0] |= sub("[0-9a-f]{4}$"; "beef")' "$blobs/$config" >"$tmp/config"
lie=$(jq -r '.rootfs.diff_ids[0]' "$tmp/config")
store "$tmp/config"
jq -cj --arg config "sha256:$stored" --argjson size "$(stat -c %s "$blobs/$stored")" \
  '.config.digest = $config | .config.size = $size' "$blobs/$manifest" >"$tmp/manifest"
store "$tmp/manifest"
jq -c --arg manifest "sha256:$stored" --argjson size "$(stat -c %s "$blobs/$stored")" \
  '.manifests[0].digest = $manifest | .manifests[0].size = $size' "$tmp/image/index.json" \
  >"$tmp/index" && mv "$tmp/index" "$tmp/image/index.json"
push "$tmp/image" liar:1

expect_error image-corrupt "$lie" pull "docker://$registry/liar:1"
expect_whole_cache
expect_exit 0 podpilot cache ls --json --cache "$cache"
expect_out ''
