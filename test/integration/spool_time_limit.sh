#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A job over its time limit gets SIGTERM and can save what it has; what ignores that is killed, with
# all that it started. What it wrote comes back.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
job() { # SCRIPT
  submit "$(jq -n --arg image "$registry/busybox:1" --arg script "$1" --arg marker "$tmp/work" \
    '{image: $image, time_limit: "1s", outputs: ["saved"], command: ["sh", "-c", $script, $marker]}')"
}
polite=$(job 'trap "echo state >saved; exit 0" TERM; echo begun; while :; do sleep 0.1; done')
stubborn=$(job 'trap "" TERM; echo some >saved; (trap "" TERM; sleep 300) & sleep 300')
drain --cpus 2 --grace 2s

for id in "$polite" "$stubborn"; do
  expect_equal "$(job_field "$id" '"\(.state) \(.slug)"')" 'failed payload-over-time'
done
expect_equal "$(<"$(job_field "$polite" .outputs)/saved")" state
expect_equal "$(<"$(job_field "$polite" .stdout)")" begun
expect_equal "$(<"$(job_field "$stubborn" .outputs)/saved")" some
expect_equal "$(job_field "$stubborn" '.times.run | . >= 3 and . < 6')" true "a run of limit and grace"
no_processes || fail "left behind: $(processes)"
