#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# SIGTERM, as a node's drain sends it: the pilot takes no new job, lets the running one end, and
# leaves the rest to others. A second SIGTERM, or with --drain-for the time, gives the running one back,
# at no cost to it.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
job() { # SECONDS
  submit "{\"image\": \"$registry/busybox:1\", \"command\": [\"sh\", \"-c\", \"sleep $1; echo ended\", \"$tmp/work\"]}"
}
running=$(job 3)
waiting=$(job 0)
start_pilot --jobs 1
wait_for 20 pgrep -f -- "sleep 3.*$tmp/work" >"$tmp/pids"
kill -TERM "$pilot"
wait "$pilot" || fail "the pilot ended with $?"
expect_equal "$(job_field "$running" '"\(.state) \(.exit_code)"')" 'done 0'
expect_equal "$(job_field "$waiting" '"\(.state) \(.attempt)"')" 'queued 0'

long=$(job 300)
start_pilot --jobs 2 --cpus 2 --grace 1s
wait_for 20 job_is "$waiting" "done"
wait_for 20 pgrep -f -- "sleep 300.*$tmp/work" >"$tmp/pids"
kill -TERM "$pilot"
sleep 0.5
kill -TERM "$pilot"
wait "$pilot" || fail "the pilot ended with $?"
expect_equal "$(job_field "$long" '"\(.state) \(.strikes)"')" 'queued 0'
no_processes || fail "left behind: $(processes)"

start_pilot --jobs 2 --cpus 2 --grace 1s --drain-for 2s
wait_for 20 pgrep -f -- "sleep 300.*$tmp/work" >"$tmp/pids"
start=$EPOCHREALTIME
kill -TERM "$pilot"
wait "$pilot" || fail "the pilot ended with $?"
expect_equal "$(job_field "$long" '"\(.state) \(.strikes)"')" 'queued 0'
elapsed=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
((elapsed >= 2000 && elapsed < 10000)) || fail "the pilot ended $elapsed ms after SIGTERM"
no_processes || fail "left behind: $(processes)"
