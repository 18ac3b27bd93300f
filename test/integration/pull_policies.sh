#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# --pull missing does not ask for what is there, always follows a tag that moved, never touches no
# network; a digest cannot move, so nothing asks for it twice.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_layer
for version in 1 2; do
  make_image "$tmp/$version" gzip "$cached" -- --config.env "VERSION=$version" --config.env PATH=/bin
done
push "$tmp/1" tool:latest
start_proxy
image=docker://$registry/tool
version() { run "$@" -- sh -c 'echo $VERSION'; }

expect_error image-not-found "$registry/tool" version --pull never "$image"
expect_equal "$(<"$tmp/requests")" "" "requests of --pull never"
expect_exit 0 version "$image"
expect_out 1

registry_proxy=$registry registry=$registry_host
push "$tmp/2" tool:latest
registry=$registry_proxy
: >"$tmp/requests"
expect_exit 0 version "$image"
expect_out 1
expect_exit 0 version --pull never "$image"
expect_out 1
expect_equal "$(<"$tmp/requests")" "" "requests for what is there"
expect_exit 0 version --pull always "$image"
expect_out 2
expect_no_grep blobs/sha256:.*\.layer "$tmp/requests"
# What has not moved costs one question, whose answer may as well be no.
: >"$tmp/requests"
expect_exit 0 version --pull always "$image"
expect_out 2
expect_equal "$(<"$tmp/requests")" 'HEAD /v2/tool/manifests/latest 200' "requests for a tag that stayed"
: >"$tmp/requests"
echo 'manifests status 405 x1' >"$tmp/faults"
expect_exit 0 version --pull always "$image"
expect_out 2
expect_equal "$(<"$tmp/requests")" 'HEAD /v2/tool/manifests/latest 405
GET /v2/tool/manifests/latest 200' "requests where no HEAD is allowed"
: >"$tmp/faults"
expect_exit 0 version --pull never "$image"
expect_out 2

digest=$(jq -r '.manifests[0].digest' "$tmp/1/index.json")
expect_exit 0 version "$image@$digest"
expect_out 1
: >"$tmp/requests"
expect_exit 0 version "$image@$digest"
expect_out 1
expect_equal "$(<"$tmp/requests")" "" "requests for a digest that is there"
expect_exit 0 version --pull missing "docker://$registry/tool:latest"
expect_out 2
expect_exit 125 version --pull sometimes "$image"
