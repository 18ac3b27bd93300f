#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# queue --purge removes jobs that ended long enough ago, with their files, and no others.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
ended=$(submit "{\"image\": \"$registry/busybox:1\", \"command\": [\"echo\", \"x\"]}")
drain
waiting=$(submit "{\"image\": \"$registry/busybox:1\"}")

expect_exit 0 podpilot queue "$spool" --purge 1h --json
expect_equal "$(jq .purged "$out")" 0 "purged of the last hour"
sleep 1.1
expect_exit 0 podpilot queue "$spool" --purge 1s --json
expect_equal "$(jq .purged "$out")" 1 "purged of the last second"
expect_equal "$(podpilot queue "$spool" --json | jq -r '"\(.id) \(.state)"')" "$waiting queued"
expect_equal "$(find "$spool" -name "*$ended*" -printf "%f ")" '' "files of the purged job"
expect_exit 125 podpilot queue "$spool" "$ended"
expect_exit 125 podpilot queue "$spool" --purge soon
