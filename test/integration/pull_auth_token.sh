#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Token authentication as public registries do it: the registry names a server, podpilot gets a
# token from it for this repository, with the password where it has one.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
start_registry token
busybox_image
push "$cached" private/tool:1
image=docker://$registry/private/tool:1

expect_exit 0 pull --registry-config "$tmp/config.json" "$image"
expect_grep "^scope \['repository:private/tool:pull'\] known" "$tmp/token_server.log"
expect_error image-denied "$registry/private/tool:1" pull --cache "$tmp/work/2" "$image"
expect_grep "^scope \['repository:private/tool:pull'\] unknown" "$tmp/token_server.log"

# An image that is there needs no token, also without the registry.
kill "$registry_pid"
: >"$tmp/token_server.log"
needs userns
expect_exit 0 run "$image" true
expect_no_grep scope "$tmp/token_server.log"
