#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A pilot keeps its cache within its limits by itself: what was not used for longest goes while the
# next job runs, what runs stays whatever the limit, and so does what ran last until another image is
# pulled. Several pilots with no room at all do that beside each other.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns curl
start_registry
busybox_layer
declare -A sums=()
for name in a b c; do
  mkdir "$tmp/$name"
  head -c 3000000 /dev/urandom >"$tmp/$name/data"
  make_image "$tmp/image" gzip "$cached" "$tmp/$name" -- --config.env PATH=/bin
  push "$tmp/image" "$name:1"
  sums[$name]=$(sha256sum <"$tmp/$name/data")
done
start_proxy

total() { # bytes of layers
  podpilot cache gc --json --size 1TiB --cache "$cache" | jq .bytes_before
}
names() { podpilot cache ls --json --cache "$cache" | jq -r '.references[]' | grep -o '[a-z]:1$' | sort | xargs; }
has_images() { [[ $(names) == "$1" ]]; }
pulls() { grep -c "^GET .*/$1/blobs/.* 200" "$tmp/requests" || true; }
job() { # IMAGE [SECONDS]: it reads its data late
  submit "{\"image\": \"$registry/$1:1\", \"retries\": 0,
    \"command\": [\"sh\", \"-c\", \"sleep ${2:-0.3}; sha256sum </data\"]}"
}
expect_done() { # ID IMAGE
  wait_for 20 job_is "$1" "done"
  expect_equal "$(<"$(job_field "$1" .stdout)")" "${sums[$2]}" "what the job with image $2 read"
}

# --- a limit between one image and two ---
expect_exit 0 pull "$registry/a:1"
limit=$(($(total) + 1500000))
start_pilot --jobs 1 --cache-size "$limit" --listen 127.0.0.1:0 --log-format json
log=$tmp/pilot-1.log
wait_for 20 grep -qs 'probes and metrics are served' "$log"
port=$(jq -r 'select(.event == "probes and metrics are served").port' "$log")
metric() { curl -sS -m 5 "http://127.0.0.1:$port/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }

for image in a b c; do
  id=$(job "$image" 2)
  wait_for 20 job_is "$id" running
  wait_for 20 has_images "$image:1"
  expect_equal "$(job_field "$id" .state)" running 'while others were removed'
  used=$(total)
  ((used <= limit)) || fail "$used bytes in the cache, not $limit"
  expect_done "$id" "$image"
  expect_equal "$(names)" "$image:1" "what ran last"
done
wait_for 5 eval '[[ $(metric podpilot_cache_removed_images_total) == 2 ]]'
(($(metric podpilot_cache_removed_bytes_total) > 6000000)) || fail 'removed bytes'
kill -TERM "$pilot"
wait "$pilot" || fail "the pilot ended with $?"

# --- no room at all ---
pulled=$(pulls c)
start_pilot --jobs 1 --cache-size 0 --cache-free 100%
for _ in 1 2; do
  id=$(job c)
  expect_done "$id" c
done
expect_equal "$(pulls c)" "$pulled" 'pulls of what ran last'
id=$(job a 2)
wait_for 20 has_images a:1
expect_done "$id" a
kill -TERM "$pilot"
wait "$pilot" || fail "the pilot ended with $?"

# --- several beside each other ---
pilots_pids=()
for name in ada bob cyd; do
  start_pilot --name "$name" --cpus 2 --jobs 2 --cache-size 0 --idle-exit 1s
  pilots_pids+=("$pilot")
done
declare -A image_of=()
for image in a b c c b a; do image_of[$(job "$image")]=$image; done
for pilot in "${pilots_pids[@]}"; do wait "$pilot" || fail "a pilot ended with $?"; done
for id in "${!image_of[@]}"; do expect_done "$id" "${image_of[$id]}"; done
expect_whole_cache
expect_equal "$(find "$cache/v1/staging" -mindepth 1; find "$cache/v1/locks" -name gc)" '' 'left by gc'
