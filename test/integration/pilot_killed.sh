#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 of a pilot in the middle of a pull, and in the middle of a job, each at some moment of it:
# nothing of it runs on, the cache is whole, and the next pilot runs the jobs once their leases have
# lapsed. With an argument, so many times.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
times=${1:-1}

kill_it() { # at some moment of the next second
  sleep "0.$((RANDOM % 10))"
  kill -KILL "$pilot"
  { wait "$pilot" || true; } 2>/dev/null  # without bash's own remark
  wait_for 5 no_processes
}

pull_asks_for_layer() { # REPO: beside the config
  (($(grep -c "GET /v2/$1/blobs/" "$tmp/requests") > 1))
}

start_registry
busybox_layer
ids=()
mkdir "$tmp/random"
for ((i = 0; i < times; ++i)); do
  head -c 1500000 /dev/urandom >"$tmp/random/file"
  make_image "$tmp/image" gzip "$cached" "$tmp/random" -- --config.env PATH=/bin
  push "$tmp/image" "pulled$i:1"
done
start_proxy
# The layer that all have is there already; each one's own takes two seconds.
make_image "$tmp/image" gzip "$cached" -- --config.env PATH=/bin
push_image "$tmp/image" "$registry_host/run:1"
expect_exit 0 pull "$registry/run:1"
echo '/v2/pulled[0-9]*/blobs rate 750000' >"$tmp/faults"

# The loop beside it is not what is waited for: it has to die with its sandbox.
script="sh -c 'while :; do sleep 1; done' $tmp/work & echo begun; sleep 3; kill \$!; echo ended"
for ((i = 0; i < times; ++i)); do
  ids+=("$(submit "{\"image\": \"$registry/pulled$i:1\", \"command\": [\"sha256sum\", \"/file\"]}")")
  start_pilot --jobs 1
  wait_for 20 pull_asks_for_layer "pulled$i"
  kill_it
  ids+=("$(submit "$(jq -n --arg image "$registry/run:1" --arg script "$script" \
    '{image: $image, command: ["sh", "-c", $script]}')")")
  start_pilot --jobs 1
  wait_for 20 pgrep -f -- "sh -c while.* $tmp/work" >"$tmp/pids"
  kill_it
done
for id in "${ids[@]}"; do
  expect_equal "$(job_field "$id" '"\(.state) \(.attempt)"')" 'running 1' "a killed pilot's job"
done
expect_whole_cache

: >"$tmp/faults"
drain --cpus $((2 * times)) --jobs $((2 * times)) --name heir
for id in "${ids[@]}"; do
  expect_equal "$(job_field "$id" '"\(.state) \(.exit_code) \(.attempt) \(.pilot)"')" 'done 0 2 heir'
done
no_processes || fail "left behind: $(processes)"
expect_whole_cache
expect_equal "$(find "$cache/scratch" -name 'pilot-*' -printf '%f ')" '' "left in scratch"
