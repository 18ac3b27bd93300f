#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# gc never takes what runs: not when a pull of the same image is killed beside it, and three pilots
# that share a cache pull, run and collect all the time without a job that misses a file. Only when
# podpilot itself is killed, which takes the payload along, the image is free. The argument is for
# how many seconds.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
seconds=${1:-5}
start_registry
busybox_layer
images=4
mkdir "$tmp/files"
for ((i = 0; i < images; ++i)); do # neighbours share a layer
  for n in {1..40}; do echo "$i-$n"; done | split -l 1 - "$tmp/files/part-"
  make_layer "$tmp/own-$i.tar" "$tmp/files"
done
for ((i = 0; i < images; ++i)); do
  mkdir "$tmp/name-$i"
  echo "$i" >"$tmp/name-$i/name"
  make_image "$tmp/image" gzip "$cached" "$tmp/own-$((i / 2)).tar" "$tmp/name-$i" -- --config.env PATH=/bin
  push "$tmp/image" "many:$i"
done
collect() { podpilot cache gc --json --size 0 --cache "$cache"; }

# --- one that runs ---
"${podpilot[@]}" run --quiet --cache "$cache" "$registry/many:0" sh -c 'echo begun; sleep 60' \
  >"$tmp/begun" 2>"$err" &
running=$!
wait_for 20 grep -q begun "$tmp/begun"
for delay in 0.01 0.05 0.1; do
  "${podpilot[@]}" pull --quiet --cache "$cache" "$registry/many:0" "$registry/many:1" >"$out" 2>&1 &
  puller=$!
  sleep "$delay"
  kill -KILL "$puller" 2>/dev/null || true
  { wait "$puller" || true; } 2>/dev/null
  expect_exit 0 collect
  expect_equal "$(jq .images_in_use "$out")" 1 'in use'
  [[ -d /proc/$running ]] || fail "it ended: $(<"$err")"
  expect_equal "$(find "$cache/v1/layers" -name 'part-*' | wc -l)" 40 'files of what runs'
done
kill -KILL "$running"
{ wait "$running" || true; } 2>/dev/null
wait_for 10 no_processes
expect_exit 0 collect
expect_equal "$(find "$cache/v1" -mindepth 2 -printf '%P ')" '' 'left after gc'

# --- many ---
pilots_pids=()
for name in ada bob cyd; do
  start_pilot --name "$name" --cpus 3 --jobs 3 --idle-exit 5s
  pilots_pids+=("$pilot")
done
ids=()
collected=0
end=$((SECONDS + seconds))
while ((SECONDS < end)); do
  for _ in 1 2 3 4; do
    ids+=("$(submit "{\"image\": \"$registry/many:$((RANDOM % images))\", \"retries\": 0,
      \"args\": [\"sh\", \"-c\", \"sleep 0.\$((\$\$ % 5)); cat /part-* /name | sha256sum\"]}")")
  done
  expect_exit 0 collect
  collected=$((collected + $(jq .layers "$out")))
done
for pilot in "${pilots_pids[@]}"; do
  while kill -0 "$pilot" 2>/dev/null; do
    expect_exit 0 collect
    sleep 0.2
  done
  wait "$pilot" || fail "a pilot ended with $?"
done
podpilot queue "$spool" --json "${ids[@]}" >"$tmp/queue"
expect_equal "$(jq -r '"\(.state) \(.exit_code) \(.attempt)"' "$tmp/queue" | sort | uniq -c | xargs)" \
  "${#ids[@]} done 0 1" "ends of jobs ($(jq -r '.text // empty' "$tmp/queue" | sort | uniq -c | head -3))"
((collected > 0)) || fail 'gc removed nothing'
expect_whole_cache
printf '%s jobs, %s layers removed beside them\n' "${#ids[@]}" "$collected"
