#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# 200 short container jobs through one pilot of two cores: each is started once, and the pilot's
# memory does not grow with them.
# ctest: long
# ctest: timeout 600
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"
busybox_pool
start_condor_pilot --cpus 2 --memory 1GiB
start=$SECONDS
queue='queue 200' submit_job many "${container[@]}" 'executable = /bin/true' 'transfer_executable = false'
completed() { pool run condor_history "${cluster[many]}" -af ProcId | wc -l; }
has_completed() { (($(completed) >= $1)); }
peak() { awk '$1 == "VmHWM:" { print $2 }' "/proc/$pilot/status"; } # KiB

wait_for 300 has_completed 50
early=$(peak)
wait_for 500 has_left many
took=$((SECONDS - start))
late=$(peak)
printf '200 jobs in %s s, %s a minute; peak memory of the pilot %s KiB after 50 jobs, %s KiB after all\n' \
  "$took" $((200 * 60 / took)) "$early" "$late"
expect_equal "$(in_history many JobStatus ExitCode NumJobStarts NumShadowStarts | sort | uniq -c | tr -s ' ')" \
  ' 200 4 0 1 1' "ends of the jobs"
((late <= early + 1024)) || fail "the pilot grew from $early to $late KiB"
