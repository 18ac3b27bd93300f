#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A layer that may not be distributed names urls: its bytes come from the image's own registry all
# the same, and where that has none the image is refused. The urls are good, and nobody asks there.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns curl jq
export REGISTRY_VALIDATION_DISABLED=true # else it takes no manifest with urls
start_registry
busybox_image
push "$cached" oci:1
push "$cached" docker:1 docker
own=$registry
start_proxy # the urls lead there
elsewhere=$registry
registry=$own

declare -A manifest=(
  [oci]=application/vnd.oci.image.manifest.v1+json
  [docker]=application/vnd.docker.distribution.manifest.v2+json
) layer=(
  [oci]=application/vnd.oci.image.layer.nondistributable.v1.tar+gzip
  [docker]=application/vnd.docker.image.rootfs.foreign.diff.tar.gzip
)
put() { # URL FILE TYPE
  curl -sS --fail-with-body -X PUT -H "Content-Type: $3" --data-binary "@$2" -o "$tmp/put.log" "$1"
}
put_blob() { # REPO FILE
  local where
  where=$(curl -sSf -X POST -D - -o "$tmp/put.log" "http://$own/v2/$1/blobs/uploads/" |
    tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
  put "$where&digest=sha256:$(sha256sum <"$2" | cut -d' ' -f1)" "$2" application/octet-stream
}

for repo in oci docker; do
  type=${manifest[$repo]}
  curl -sSf -H "Accept: $type" "http://$own/v2/$repo/manifests/1" >"$tmp/manifest"
  url=http://$elsewhere/v2/$repo/blobs/$(jq -r '.layers[0].digest' "$tmp/manifest")
  jq --arg type "${layer[$repo]}" --arg url "$url" \
    '.layers[0] += {mediaType: $type, urls: [$url]}' "$tmp/manifest" >"$tmp/foreign"
  put "http://$own/v2/$repo/manifests/foreign" "$tmp/foreign" "$type"
  # A repository that has all but the layer.
  curl -sSf "http://$own/v2/$repo/blobs/$(jq -r .config.digest "$tmp/manifest")" >"$tmp/config"
  put_blob "lacking-$repo" "$tmp/config"
  put "http://$own/v2/lacking-$repo/manifests/foreign" "$tmp/foreign" "$type"

  expect_error image-not-found "$own" podpilot pull --cache "$tmp/work/lacking-$repo" "$own/lacking-$repo:foreign"
  expect_exit 0 podpilot run --cache "$tmp/work/$repo" "$own/$repo:foreign" echo begun
  expect_out begun
  expect_equal "$(<"$tmp/requests")" '' "asked for by url"
  curl -sSf "$url" -o "$tmp/layer"
  expect_grep "^GET /v2/$repo/blobs/.* 200" "$tmp/requests"
  : >"$tmp/requests"
done
