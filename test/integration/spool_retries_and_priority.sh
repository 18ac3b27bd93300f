#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Jobs are taken by priority, then by age. A job with retries is tried again after a failure, and
# the last attempt is what is told.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
job() { # NAME KEYS
  submit "{\"name\": \"$1\", \"image\": \"$registry/busybox:1\", $2}"
}
low=$(job low '"priority": -5, "command": ["true"]')
first=$(job first '"command": ["true"]')
second=$(job second '"command": ["true"]')
high=$(job high '"priority": 7, "command": ["true"]')
again=$(job again '"priority": 9, "retries": 2, "command": ["sh", "-c", "echo try; exit 5"]')
drain --jobs 1

expect_equal "$(sed -n 's/.*spool: took job job=\([^ ]*\) .*/\1/p' "$tmp/pilot-1.log" | grep -v "$again" | xargs)" \
  "$high $first $second $low" "order"
expect_equal "$(job_field "$again" '"\(.state) \(.exit_code) \(.attempt) \(.retried)"')" 'done 5 3 2'
expect_equal "$(grep -c "took job job=$again" "$tmp/pilot-1.log")" 3 "attempts in the log"
