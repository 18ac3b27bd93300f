#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A pod's last 30 s: SIGTERM stops all jobs of a pilot side by side. One that saves what it has and
# ends goes on from there in its next run, one that listens to nothing is killed, both are in the
# queue again, and nothing of the pilot is left in the pool.
# ctest: long
# ctest: timeout 240
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root jq
# shellcheck source=test/integration/lib_htcondor.sh
. "$(dirname "$0")/lib_htcondor.sh"
busybox_pool
start_condor_pilot --cpus 2 --memory 1GiB --grace 30s
expect_equal "$(pool run condor_status -af MachineMaxVacateTime)" 23 "what a job gets to end"

cat >"$jobs/saves.sh" <<'EOF'
#!/bin/sh
if [ -s partial.txt ]; then cat partial.txt; exit 0; fi
trap 'echo "saved by the first run" >partial.txt; exit 0' USR1
echo begun
while :; do sleep 0.1; done
EOF
nap=7$$ # tells this test's processes from others'
submit_job saves "${container[@]}" 'executable = saves.sh' 'kill_sig = SIGUSR1' \
  'when_to_transfer_output = ON_EXIT_OR_EVICT'
submit_job deaf "${container[@]}" 'when_to_transfer_output = ON_EXIT' 'executable = /bin/sh' \
  'transfer_executable = false' "arguments = \"-c 'trap : TERM; while :; do sleep $nap; done'\""
executes() { grep -q '^001 ' "${folder[$1]}/job.log"; }
wait_for 60 executes saves
wait_for 60 executes deaf
wait_for 10 pgrep -f "sleep $nap" >/dev/null

begin=$SECONDS
kill -TERM "$pilot"
refuses() { [[ -z $(pool run condor_status -constraint Start -af Name) ]]; }
wait_for 10 refuses
wait "$pilot" || fail "the pilot ended with $?"
printf 'ended after %s s\n' $((SECONDS - begin))
((SECONDS - begin <= 30)) || fail "it took $((SECONDS - begin)) s of 30"
! pgrep -f "sleep $nap" >/dev/null || fail "the deaf job was left behind"
expect_equal "$(pool run condor_status -af Name)" "" "slots after the pilot's end"
expect_equal "$(find "$cache/scratch/condor-claims" -type f)" "" "claims after the pilot's end"
idle() { [[ $(pool run condor_q "${cluster[$1]}" -af JobStatus) == 1 ]]; }
wait_for 20 idle saves
wait_for 20 idle deaf
pool run condor_rm "${cluster[deaf]}" >/dev/null

start_condor_pilot --cpus 2 --memory 1GiB
wait_for 60 has_left saves
expect_equal "$(<"${folder[saves]}/saves.out")" "saved by the first run" "output of the second run"
