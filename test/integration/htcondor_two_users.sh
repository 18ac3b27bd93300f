#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Jobs of two users at once on one pilot: each user's claim is that user's, and what one does with a
# job does not reach the other's.
# ctest: long
# ctest: timeout 240
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"
busybox_pool
start_condor_pilot --cpus 2 --memory 1GiB
submit_nap() { # NAME SECONDS
  submit_job "$1" "${container[@]}" 'executable = /bin/sleep' "arguments = $2" 'transfer_executable = false'
}
owners() { pool run condor_status -constraint 'Activity == "Busy"' -af RemoteUser | sort | tr '\n' ' '; }
has_owners() { [[ $(owners) == "$1" ]]; }

nap=4$$ # tells this test's processes from others'
submit_nap mine "$nap"
POOL_USER=pilot submit_nap other 25
wait_for 40 has_owners 'pilot@pool tester@pool '
wait_for 10 pgrep -f "sleep $nap" >/dev/null
expect_exit 1 pool run condor_rm "${cluster[other]}"
expect_exit 1 pool run condor_vacate_job "${cluster[other]}"
pool run condor_vacate_job "${cluster[mine]}" >/dev/null
was_vacated() { grep -q 'Job was evicted' "${folder[mine]}/job.log"; }
wait_for 20 was_vacated
wait_for 40 has_owners 'pilot@pool tester@pool ' # it was taken up again
pool run condor_rm "${cluster[mine]}" >/dev/null
gone() { ! pgrep -f "sleep $nap" >/dev/null; }
wait_for 10 gone
wait_for 10 has_owners 'pilot@pool '
export POOL_USER=pilot
wait_for 60 has_left other
expect_equal "$(in_history other User JobStatus ExitCode NumShadowStarts NumJobStarts)" \
  'pilot@pool 4 0 1 1' "the other user's job"
