#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# 500 jobs through eight pilots, two of which are killed on the way: every job completes, and does so
# once; none is held.
# ctest: long
# ctest: timeout 900
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"
busybox_pool
(umask 077 && pool token pilot@pool ADVERTISE_STARTD READ >"$tmp/token")
give_user "$tmp/token"
fleet=()
for n in {1..8}; do
  mkdir "$tmp/cache-$n"
  give_user "$tmp/cache-$n"
  "${podpilot[@]}" pilot --scheduler "htcondor://127.0.0.1:$POOL_PORT" --token-file "$tmp/token" \
    --name "pilot$n" --cache "$tmp/cache-$n" --cpus 1 --memory 512MiB >"$tmp/pilot-$n.log" 2>&1 &
  fleet+=("$!")
done
all_show() { (($(pool run condor_status -af Name | wc -l) >= 8)); }
wait_for 60 all_show

start=$SECONDS
queue='queue 500' submit_job many "${container[@]}" \
  'executable = /bin/sleep' 'arguments = $INT(nap)' 'nap = $(Process) % 2' 'transfer_executable = false' \
  'job_lease_duration = 60'
has_completed() { (($(in_history many ProcId | wc -l) >= $1)); }
for n in 0 1; do
  wait_for 400 has_completed $((100 * (n + 1)))
  kill -KILL "${fleet[n]}"
  wait "${fleet[n]}" 2>/dev/null || true
done
none_held() { [[ -z $(pool run condor_q "${cluster[many]}" -hold -af HoldReason) ]]; }
all_left() {
  none_held || fail "held: $(pool run condor_q "${cluster[many]}" -hold -af HoldReason | head -n 3)"
  has_left many
}
wait_for 800 all_left
in_history many ProcId NumJobStarts >"$tmp/ends"
printf '500 jobs in %s s, %s starts\n' $((SECONDS - start)) "$(awk '{ sum += $2 } END { print sum }' "$tmp/ends")"
expect_equal "$(cut -d' ' -f1 "$tmp/ends" | sort -n | uniq -c | awk '$1 == 1' | wc -l)" 500 "jobs that ended once"
expect_equal "$(wc -l <"$tmp/ends")" 500 "entries in the history"
expect_equal "$(in_history many JobStatus ExitCode | sort | uniq -c | tr -s ' ')" ' 500 4 0' "ends of the jobs"
