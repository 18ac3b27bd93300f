#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# OCI and Docker manifests, and indexes of both kinds, of which this platform's image is taken and
# nothing else is fetched.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_layer
layer=$cached
case $(uname -m) in
  x86_64) ours=amd64 other=arm64 ;;
  aarch64) ours=arm64 other=amd64 ;;
esac
for architecture in "$ours" "$other" s390x; do
  echo "$architecture" >"$tmp/work/platform"
  mkdir "$tmp/$architecture.root"
  cp "$tmp/work/platform" "$tmp/$architecture.root/"
  make_image "$tmp/$architecture" gzip "$layer" "$tmp/$architecture.root" -- \
    --architecture "$architecture" --config.env PATH=/bin
done
make_index "$tmp/index" "$tmp/s390x" "$tmp/$other" "$tmp/$ours"
make_index "$tmp/foreign" "$tmp/s390x" "$tmp/$other"
push "$tmp/$ours" tool:oci
push "$tmp/$ours" tool:docker docker
push "$tmp/index" tool:index
push "$tmp/index" tool:list docker
push "$tmp/foreign" tool:foreign
start_proxy

for tag in oci docker index list; do
  expect_exit 0 podpilot run --cache "$tmp/work/$tag" "docker://$registry/tool:$tag" cat /platform
  expect_out "$ours"
done
expect_error image-unsupported "$ours" run "docker://$registry/tool:foreign" true

# One index, one manifest, one config, two layers: in all, five things a tag.
: >"$tmp/requests"
expect_exit 0 podpilot pull --cache "$tmp/work/counted" "docker://$registry/tool:index"
expect_equal "$(grep -c '^GET .* 200' "$tmp/requests")" 5 "requests ($(<"$tmp/requests"))"
