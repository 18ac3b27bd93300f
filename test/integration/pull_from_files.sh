#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Images that are files: a layout, a layout in a tar, and what `docker save` writes. The cache has a
# layer once, wherever it came from, and a file that changed is another image.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
busybox_layer
make_image "$tmp/layout" gzip "$cached" -- --config.env PATH=/bin --config.env WHERE=here
skopeo --insecure-policy copy -q "oci:$tmp/layout:image" "oci-archive:$tmp/oci.tar:image"
skopeo --insecure-policy copy -q "oci:$tmp/layout:image" "docker-archive:$tmp/docker.tar:busybox:1"
chmod -R a+rX "$tmp/layout" "$tmp"/*.tar

for image in "oci:$tmp/layout" "oci:$tmp/layout:image" "oci-archive:$tmp/oci.tar" \
  "docker-archive:$tmp/docker.tar"; do
  # shellcheck disable=SC2016  # for the payload
  expect_exit 0 run "$image" sh -c 'echo $WHERE; busybox | head -n 1 | cut -c 1-7'
  expect_out $'here\nBusyBox'
done
expect_exit 0 podpilot cache verify --json --cache "$cache"
expect_equal "$(jq .layers "$out")" 1 "stored layers"
(cd "$tmp" && expect_exit 0 run oci:layout true && expect_exit 0 pull -q docker-archive:docker.tar)

# The same name, another image.
make_image "$tmp/layout" gzip "$cached" -- --config.env PATH=/bin --config.env WHERE=there
chmod -R a+rX "$tmp/layout"
# shellcheck disable=SC2016
expect_exit 0 run "oci:$tmp/layout" sh -c 'echo $WHERE'
expect_out there

expect_error image-not-found 'no image v9 (it has image)' run "oci:$tmp/layout:v9" true
expect_error image-not-found "$tmp/none" run "oci-archive:$tmp/none" true
gzip -k "$tmp/docker.tar"
expect_error image-unsupported 'gunzip' run "docker-archive:$tmp/docker.tar.gz" true
head -c 20000 "$tmp/oci.tar" >"$tmp/cut.tar"
expect_exit 125 run "oci-archive:$tmp/cut.tar" true
expect_exit 125 pull "$tmp/work"
expect_grep 'never pulled' "$err"
expect_whole_cache
