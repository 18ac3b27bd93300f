#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A pilot that was killed with a running job and started again in the same pod tells the schedd at
# once that its claim is gone: the job runs again within seconds, and ends once.
# ctest: long
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root jq
# shellcheck source=test/integration/lib_htcondor.sh
. "$(dirname "$0")/lib_htcondor.sh"
busybox_pool
start_condor_pilot --cpus 2 --memory 1GiB
expect_equal "$(pool run condor_status -af ClassAdLifetime)" 900 "how long a slot is kept without a sign of life"

# The first run never ends, the second does.
cat >"$jobs/twice.sh" <<'END'
#!/bin/sh
grep -q '^NumJobStarts = [1-9]' "$_CONDOR_JOB_AD" || while :; do sleep 1; done
END
submit_job twice "${container[@]}" 'executable = twice.sh'
runs() { [[ $(pool run condor_q "${cluster[$1]}" -af JobStatus) == 2 ]] && grep -q '^001 ' "${folder[$1]}/job.log"; }
wait_for 60 runs twice
claims=$cache/scratch/condor-claims
expect_equal "$(find "$claims" -type f -perm 600 | wc -l)" 1 "journalled claims"
old=$(ls "$claims")

kill -9 "$pilot"
wait "$pilot" || true
begin=$SECONDS
start_condor_pilot --cpus 2 --memory 1GiB
wait_for 20 has_left twice
printf 'killed, started again, done after %s s\n' $((SECONDS - begin))
expect_grep 'a pilot before this one was killed with a claim.*released=yes' "$tmp/pilot.log"
expect_grep 'Got RELEASE_CLAIM' "$POOL_HOME/pool/log/SchedLog"
[[ ! -e $claims/$old ]] || fail "the old claim is journalled still"
expect_equal "$(in_history twice JobStatus ExitCode NumJobStarts)" "4 0 2" "end of the job"
