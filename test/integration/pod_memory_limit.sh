#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A memory limit around the whole pod, in which one failed allocation stops everything (v1) or kills
# everything (v2): whoever eats memory, however, is ended before that, and the next job runs.
# The watchdog promises that as far as the pod's cores are its own.
# ctest: serial
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root jq
limit=$((1 << 30))

# A group of its own for the pilot. Sets `group` and `failures`, which prints how often the pod's
# limit was hit in earnest.
make_group() {
  local root
  if root=$(findmnt --noheadings --output TARGET --types cgroup --options memory | tail -n 1) &&
    [[ -n $root ]]; then
    group=$root/podpilot-test.$$
    mkdir "$group" 2>/dev/null || skip "no memory cgroup can be made"
    echo "$limit" >"$group/memory.limit_in_bytes"
    echo 1 >"$group/memory.oom_control" # nobody is killed, everybody waits
    failures() { cat "$group/memory.failcnt"; }
  elif root=$(findmnt --noheadings --output TARGET --types cgroup2 | tail -n 1) && [[ -n $root ]] &&
    grep -qw memory "$root/cgroup.subtree_control"; then
    group=$root/podpilot-test.$$
    mkdir "$group" 2>/dev/null || skip "no memory cgroup can be made"
    echo "$limit" >"$group/memory.max"
    echo 1 >"$group/memory.oom.group"
    failures() { sed -n 's/^oom //p' "$group/memory.events"; }
  else
    skip "no memory cgroup on this machine"
  fi
}

remove_group() {
  local pid
  while read -r pid; do kill -KILL "$pid"; done <"$group/cgroup.procs" 2>/dev/null
  for _ in {1..50}; do rmdir "$group" 2>/dev/null && return; sleep 0.1; done
}

make_group
trap 'status=$?; remove_group; (exit $status); finish' EXIT

mkdir -p "$tmp/eat/bin"
install -m 755 "$PODPILOT_BUILD/test/victims/eat" "$tmp/eat/bin/eat"
busybox_layer
make_image "$tmp/image" gzip "$cached" "$tmp/eat" -- --config.env PATH=/bin
start_registry
push "$tmp/image" eat:1

job() { # MEMORY WORD...
  local memory=$1
  shift
  submit "$(jq -n --arg image "$registry/eat:1" --arg memory "$memory" \
    '{image: $image, memory: $memory, command: $ARGS.positional}' --args "$@")"
}

# shellcheck disable=SC2016  # expanded by the inner shell
podpilot=(sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "${podpilot[@]}")
eaters=()
eaters+=("$(job 512MiB eat threads 2000 2)")
eaters+=("$(job 512MiB eat slowly 2000)")
eaters+=("$(job 512MiB eat shm 2000)")
eaters+=("$(job 512MiB eat tree 2000 10)")
eaters+=("$(job 512MiB eat memfd 2000)")
eaters+=("$(job 880MiB eat threads 2000 2)") # all that the pilot lends, but some
eaters+=("$(job 880MiB eat tree 2000 40)")
modest=$(job 512MiB eat share 300 8) # 300 MiB in nine processes are 300 MiB
last=$(job 512MiB echo fine)
drain --jobs 1
for id in "${eaters[@]}"; do
  printf '%s: %s\n' "$(job_field "$id" .text)" "$(job_field "$id" '.usage.peak_memory / 1048576 | floor') MiB"
done
expect_equal "$(failures)" 0 "failed allocations of the pod"
for id in "${eaters[@]}"; do
  expect_equal "$(job_field "$id" '"\(.state) \(.slug)"')" 'failed payload-over-memory' "$(job_field "$id" .text)"
  expect_no_grep eaten "$(job_field "$id" .stdout)"
done
expect_equal "$(job_field "$modest" '"\(.state) \(.exit_code)"')" 'done 0'
expect_equal "$(job_field "$modest" '.usage.peak_memory / 1048576 | . >= 300 and . < 400')" true \
  "the peak of shared pages ($(job_field "$modest" .usage.peak_memory))"
expect_equal "$(job_field "$last" '"\(.state) \(.exit_code)"')" 'done 0'
no_processes || fail "left behind: $(processes)"

# Without --memory `podpilot run` has the pod's limit to keep away from.
expect_exit 137 podpilot run --cache "$cache" "$registry/eat:1" eat threads 2000 2
expect_grep 'payload-over-memory' "$err"
expect_equal "$(failures)" 0 "failed allocations of the pod"
