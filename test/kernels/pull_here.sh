#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Inside of a virtual machine: an image is pulled, and what was unpacked has the right checksums.
# shellcheck source=test/integration/lib.sh
. "${BASH_SOURCE[0]%/*}/../integration/lib.sh" || exit
start_registry
busybox_image
push "$cached" tool:1
expect_exit 0 pull --quiet "$registry/tool:1"
expect_whole_cache
