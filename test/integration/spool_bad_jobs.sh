#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What is wrong with a job is found out by its pilot and told apart: whose fault it is, a slug and a
# line for people. The pilot goes on.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
start_proxy
echo '/v2/forbidden/ status 403' >"$tmp/faults"
job() { # STATE ORIGIN SLUG TEXT JSON-WITHOUT-BRACES
  expected+=("$(submit "{$5}") $1 $2 $3 $4")
}
expected=()
job failed image image-not-found "no-such" "\"image\": \"$registry/no-such:1\""
job failed image image-denied "forbidden" "\"image\": \"$registry/forbidden:1\""
job failed image image-invalid "UPPER" "\"image\": \"$registry/UPPER:1\""
job failed payload payload-not-found "nope" "\"image\": \"$registry/busybox:1\", \"command\": [\"nope\"]"
job failed payload payload-not-executable "passwd" \
  "\"image\": \"$registry/busybox:1\", \"command\": [\"/etc/passwd\"]"
job failed payload payload-over-time "" \
  "\"image\": \"$registry/busybox:1\", \"command\": [\"sleep\", \"60\"], \"time_limit\": \"1s\""
job "done" null null "" "\"image\": \"$registry/busybox:1\", \"command\": [\"false\"]"
drain

for line in "${expected[@]}"; do
  read -r id state origin slug text <<<"$line"
  expect_equal "$(job_field "$id" '"\(.state) \(.origin) \(.slug)"')" "$state $origin $slug" "job $line"
  if [[ $text && $(job_field "$id" .text) != *"$text"* ]]; then fail "$text: $(job_field "$id" .text)"; fi
done
no_processes || fail "left behind: $(processes)"
