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
expect_equal "$(pool run condor_q "${cluster[many]}" -af JobStatus | sort -u)" 1 "states meanwhile"
registry_start "$tmp/registry" "${registry##*:}"
wait_for 180 has_left many
printf '%s shadows in vain in a minute, %s pauses, all over after %s s\n' "$in_vain" "$(paused)" $((SECONDS - start))

# Two slots, and a try after 30 s.
((in_vain <= 4)) || fail "$in_vain shadows were started in vain"
(($(paused) <= 2)) || fail "the pilot paused $(paused) times"
# A shadow counts a start for whatever its starter gives back, also before the payload began.
expect_equal "$(in_history many JobStatus ExitCode 'NumJobStarts <= 3' | sort | uniq -c | tr -s ' ')" ' 10 4 0 true' "ends of the jobs"
((shadows=$(shadows), shadows <= 10 + in_vain + 2)) || fail "$shadows shadows were started"
expect_grep "no job for a while.*registry-unavailable" "$tmp/pilot.log"
expect_no_grep 'taking no more' "$tmp/pilot.log"
