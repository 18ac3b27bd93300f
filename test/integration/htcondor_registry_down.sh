#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The registry is down for a minute: jobs go back to the queue before they began, the pilot takes
# none for a while and says so, and all complete once the registry is back.
# ctest: long
# ctest: timeout 360
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"
busybox_pool
start_condor_pilot --cpus 2 --memory 1GiB
registry_stop
start=$SECONDS
queue='queue 10' submit_job many "${container[@]}" 'executable = /bin/true' 'transfer_executable = false'
shadows() { # started, of all jobs
  pool run sh -c 'condor_q "$1" -af NumShadowStarts; condor_history "$1" -af NumShadowStarts' sh "${cluster[many]}" |
    awk '{ sum += $1 } END { print sum + 0 }'
}
paused() { grep -c 'taking no job for a while' "$tmp/pilot.log"; }

wait_for 60 grep -q 'taking no job for a while' "$tmp/pilot.log"
sleep $((start + 60 - SECONDS))
in_vain=$(shadows)
expect_equal "$(pool run condor_q "${cluster[many]}" -af JobStatus NumJobStarts | sort -u)" '1 0' "states meanwhile"
expect_equal "$(pool run condor_q "${cluster[many]}" -constraint 'NumShadowStarts > 0' \
  -af VacateReasonCode VacateReasonSubCode 'substr(VacateReason, -22)' | sort -u)" \
  '1005 0 (registry-unavailable)' "why they went back"
expect_grep 'Code 1005 Subcode 0' "${folder[many]}/job.log"
registry_start "$tmp/registry" "${registry##*:}"
wait_for 180 has_left many
printf '%s shadows in vain in a minute, %s pauses, all over after %s s\n' "$in_vain" "$(paused)" $((SECONDS - start))

# Two slots, and a try after 30 s.
((in_vain <= 4)) || fail "$in_vain shadows were started in vain"
(($(paused) <= 2)) || fail "the pilot paused $(paused) times"
expect_equal "$(in_history many JobStatus ExitCode NumJobStarts | sort | uniq -c | tr -s ' ')" ' 10 4 0 1' "ends of the jobs"
((shadows=$(shadows), shadows <= 10 + in_vain + 2)) || fail "$shadows shadows were started"
expect_grep "no job for a while.*registry-unavailable" "$tmp/pilot.log"
expect_no_grep 'taking no more' "$tmp/pilot.log"
