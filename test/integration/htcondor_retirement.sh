#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The owner's orders to suspend and continue reach a running job; a pilot that has accepted jobs for as
# long as it may lets what runs go on for the retirement, then stops it and ends.
# ctest: long
# ctest: timeout 200
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"
busybox_pool
begun=$SECONDS
start_condor_pilot --cpus 1 --memory 1GiB --grace 8s --name retires --accept-for 20s --retirement 6s
counts=counts-$$.sh # tells this test's processes from others'
cat >"$jobs/$counts" <<'END'
#!/bin/sh
trap : TERM
while :; do sleep 0.1; done
END
submit_job counts 'universe = container' "container_image = docker://$registry/busybox:1" \
  "executable = $counts" 'request_cpus = 1' 'request_memory = 64' 'request_disk = 20480' \
  'should_transfer_files = YES' 'job_max_vacate_time = 2'
is() { [[ $(pool run condor_q "${cluster[counts]}" -af JobStatus) == "$1" ]]; }
in_log() { (($(grep -c "^$1" "${folder[counts]}/job.log") >= ${2:-1})); }
slot_is() { slot_shows "Name == \"slot1_1@retires\" && Activity == \"$1\""; }
payload_stopped() { # yes|no
  local state
  state=$(ps -o state= -p "$(pgrep -f "sh .*$counts" | tail -n 1)" | tr -d ' ')
  case $1 in
    yes) [[ $state == T ]] ;;
    no) [[ -n $state && $state != T ]] ;;
  esac
}
wait_for 20 in_log 001
pool run condor_suspend "${cluster[counts]}" >"$out"
wait_for 10 slot_is Suspended
wait_for 5 payload_stopped yes
wait_for 15 in_log 010
wait_for 15 is 7
pool run condor_continue "${cluster[counts]}" >"$out"
wait_for 10 slot_is Busy
wait_for 5 payload_stopped no
wait_for 15 in_log 011
wait_for 15 is 2

wait_for 40 grep -q 'accepted jobs for as long as was allowed' "$tmp/pilot.log"
drained=$EPOCHREALTIME
expect_equal "$(pool run condor_q "${cluster[counts]}" -af JobStatus)" 2 "the job as its retirement begins"
wait_for 30 in_log 004
took=$(awk -v a="$drained" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
printf 'retired after %s s, %s s after the start\n' "$took" $((SECONDS - begun))
awk -v t="$took" 'BEGIN { exit !(7 <= t && t <= 14) }' || fail "6 s of retirement and 2 s to end were $took s"
expect_exit 0 wait "$pilot"
