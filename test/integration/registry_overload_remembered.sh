#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A registry that tells one job's pull to come back later is not asked by another job's pull before.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" first:1
push "$cached" second:1
push "$cached" warm:1
start_proxy
pull -q "docker://$registry/warm:1" >/dev/null
echo 'first/manifests status 429 Retry-After=6 x1' >"$tmp/faults"
: >"$tmp/requests"

first=$(submit "{\"image\": \"$registry/first:1\", \"command\": [\"true\"]}")
start_pilot --jobs 2 --drain
told() { grep -q 'first/manifests.* 429' "$tmp/requests"; }
wait_for 20 told
start=$(date +%s%N)
second=$(submit "{\"image\": \"$registry/second:1\", \"command\": [\"true\"]}")
warm=$(submit "{\"image\": \"$registry/warm:1\", \"command\": [\"true\"]}")
asked() { grep -q second/manifests "$tmp/requests"; }
wait_for 30 asked
waited=$((($(date +%s%N) - start) / 1000000))
# From the answer on it was 6 s, of which the test used a part until it looked.
((waited > 3000)) || fail "asked again after $waited ms"
wait "$pilot" || fail "the pilot ended with $?"
expect_grep 'a registry asked for patience' "$tmp/pilot-1.log"
for job in "$first" "$second" "$warm"; do
  expect_equal "$(job_field "$job" '"\(.state) \(.exit_code)"')" 'done 0'
done
