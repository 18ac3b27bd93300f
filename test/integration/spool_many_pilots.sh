#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Three pilots on one spool: each of forty jobs runs and completes once, by one of them, and they
# end when nothing is left.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1

for i in {1..40}; do
  submit "{\"image\": \"$registry/busybox:1\", \"args\": [\"sh\", \"-c\", \"echo job $i; exit $((i % 3))\"]}"
done >"$tmp/ids"
expect_equal "$(sort -u "$tmp/ids" | wc -l)" 40 "ids"
flying=()
for name in ada bob cyd; do
  start_pilot --drain --name "$name" --cpus 2 --jobs 2
  flying+=("$pilot")
done
for pilot in "${flying[@]}"; do wait "$pilot" || fail "a pilot ended with $?"; done

podpilot queue "$spool" --json >"$tmp/queue"
expect_equal "$(jq -r .id "$tmp/queue")" "$(<"$tmp/ids")" "the queue, in order of submission"
expect_equal "$(jq -r '[.state, .attempt] | @csv' "$tmp/queue" | sort -u)" '"done",1' "states, attempts"
for i in {1..40}; do
  read -r code stdout < <(sed -n "${i}p" "$tmp/queue" | jq -r '"\(.exit_code) \(.stdout)"')
  expect_equal "$code $(<"$stdout")" "$((i % 3)) job $i" "job $i"
done
expect_equal "$(jq -r .pilot "$tmp/queue" | sort -u | xargs)" 'ada bob cyd' "pilots that had work"
expect_equal "$(find "$spool" -path '*/attempts/*' -name result.json | wc -l)" 40 results
no_processes || fail "left behind: $(processes)"
expect_whole_cache
