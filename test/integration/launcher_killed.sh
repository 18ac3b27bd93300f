#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 of the launcher while a job runs: no process of the job is left, the job is queued again,
# and the pilot ends with a reason instead of taking jobs that it cannot run.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns

start_registry
busybox_image
push "$cached" busybox:1
script="(setsid sh -c 'while :; do sleep 1; done' $tmp/work &) ; echo begun; sleep 60"
id=$(submit "$(jq -n --arg image "$registry/busybox:1" --arg script "$script" \
  '{image: $image, command: ["sh", "-c", $script]}')")
next=$(submit "{\"image\": \"$registry/busybox:1\", \"command\": [\"true\"]}")
start_pilot --jobs 1
wait_for 20 pgrep -f -- "sh -c while.* $tmp/work" >"$tmp/pids"
launcher=$(pgrep -P "$pilot" -x podpilot-launch)
kill -KILL "$launcher"
code=0
wait "$pilot" || code=$?
expect_equal "$code" 125 "the pilot's exit code"
expect_grep '^podpilot pilot: the launcher .*\(sandbox-killed\): ' "$tmp/pilot-1.log"
wait_for 5 no_processes
expect_equal "$(job_field "$id" '"\(.state) \(.attempt)"')" 'queued 1'
expect_equal "$(job_field "$next" .state)" queued

podpilot cancel "$spool" "$id"
drain
expect_equal "$(job_field "$next" '"\(.state) \(.exit_code)"')" 'done 0'
