#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A job can be taken back while it waits and while it runs; a second time is harmless, and one that
# is not there is an error.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
job="{\"image\": \"$registry/busybox:1\", \"command\": [\"sh\", \"-c\", \"echo begun; sleep 300; :\", \"$tmp/work\"]}"

waiting=$(submit "$job")
expect_exit 0 podpilot cancel "$spool" "$waiting" --reason 'not needed'
expect_equal "$(job_field "$waiting" '"\(.state) \(.slug)"')" 'failed job-cancelled'
expect_equal "$(job_field "$waiting" '.text | contains("not needed")')" true "the reason"

running=$(submit "$job")
start_pilot --drain --grace 1s
wait_for 20 job_is "$running" running
wait_for 20 pgrep -f -- "echo begun.* $tmp/work" >"$tmp/pids"
expect_exit 0 podpilot cancel "$spool" "$running"
wait_for 20 job_is "$running" failed
expect_equal "$(job_field "$running" .slug)" job-cancelled
expect_exit 0 podpilot cancel "$spool" "$running"
expect_grep 'ended already' "$out"
wait "$pilot" || fail "the pilot ended with $?"
no_processes || fail "left behind: $(processes)"

expect_exit 125 podpilot cancel "$spool" 20000101T000000000000Z-00000000
expect_grep 20000101 "$err"
