#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What owners of jobs may order: vacate soft and hard; suspend, hold and remove during a pull.
# ctest: long
# ctest: timeout 400
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root python3
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"
busybox_pool
start_proxy
# Takes connections and says nothing.
python3 -c 'import signal, socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
signal.pause()' >"$tmp/stalled" &
wait_for 10 test -s "$tmp/stalled"
stalled=127.0.0.1:$(<"$tmp/stalled")

start_condor_pilot --cpus 1 --memory 1GiB --grace 20s --name orders

usual=('universe = container' 'request_cpus = 1' 'request_memory = 64' 'request_disk = 20480'
  'should_transfer_files = YES' 'when_to_transfer_output = ON_EXIT')
listens=listens-$$.sh # tells this test's processes from others'
container=("${usual[@]}" "container_image = docker://$registry/busybox:1" "executable = $listens")
cat >"$jobs/$listens" <<'END'
#!/bin/sh
trap 'echo told by USR1; exit 0' USR1
trap 'echo told by TERM' TERM
while :; do sleep 0.1; done
END
is() { [[ $(pool run condor_q "${cluster[$1]}" -af JobStatus) == "$2" ]]; }
starts() { (($(grep -c '^001' "${folder[$1]}/job.log") >= $2)); }
evictions() { (($(grep -c '^004' "${folder[$1]}/job.log") >= $2)); }
pulling() { pgrep -f "pull .*$stalled/slow:1" >/dev/null; }
not_pulling() { ! pulling; }
unclaimed() { [[ -z $(pool run condor_status -constraint 'State == "Claimed"' -af Name) ]]; }
seconds_until() { # LIMIT COMMAND... -> $took
  local begun=$EPOCHREALTIME
  wait_for "$@"
  took=$(awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
}
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }' || fail "$3 took $1 s"; }

# A job that is suspended during its pull has not begun, and is frozen as it does.
slot_is() { slot_shows "Name == \"slot1_1@orders\" && Activity == \"$1\""; }
payload_is() { [[ $(ps -o stat= -p "$(pgrep -f "sh .*$listens" | tail -n 1)") == "$1"* ]]; }
echo 'blobs/ rate 50000' >"$tmp/faults"
submit_job frozen "${container[@]}"
wait_for 60 pgrep -f "pull .*$registry/busybox:1" >"$out"
pool run condor_suspend "${cluster[frozen]}" >"$out"
wait_for 10 slot_is Suspended
sleep 3
wait_for 1 pgrep -f "pull .*$registry/busybox:1" >"$out"
expect_equal "$(pool run condor_q "${cluster[frozen]}" -af JobStatus NumJobStarts)" '2 0' "a job whose image is pulled"
wait_for 60 starts frozen 1
wait_for 15 is frozen 7
wait_for 5 payload_is T
pool run condor_continue "${cluster[frozen]}" >"$out"
wait_for 15 is frozen 2
wait_for 5 payload_is S
wait_for 10 slot_is Busy
expect_equal "$(pool run condor_q "${cluster[frozen]}" -af NumJobStarts)" 1 "starts"
pool run condor_rm "${cluster[frozen]}" >"$out"
wait_for 20 unclaimed
: >"$tmp/faults"

# Soft is the job's own signal, and its time where that is not heard; hard is neither.
submit_job soft "${container[@]}" 'kill_sig = SIGUSR1' 'job_max_vacate_time = 15'
wait_for 60 starts soft 1
pool run condor_vacate_job "${cluster[soft]}" >"$out"
seconds_until 30 evictions soft 1
at_most "$took" 8 "a soft end of a job that listens"
wait_for 60 starts soft 2
pool run condor_vacate_job -fast "${cluster[soft]}" >"$out"
seconds_until 30 evictions soft 2
at_most "$took" 5 "a hard end"
pool run condor_rm "${cluster[soft]}" >"$out"
submit_job deaf "${container[@]}" 'job_max_vacate_time = 3'
wait_for 60 starts deaf 1
pool run condor_vacate_job "${cluster[deaf]}" >"$out"
seconds_until 30 evictions deaf 1
at_most 3 "$took" "the vacate time of a deaf job"
at_most "$took" 9 "a soft end of a deaf job"
pool run condor_rm "${cluster[deaf]}" >"$out"
wait_for 20 unclaimed

# While its image is pulled.
for order in hold rm; do
  submit_job "$order" "${usual[@]}" "container_image = docker://$stalled/slow:1" "executable = $listens"
  wait_for 60 pulling
  pool run "condor_$order" "${cluster[$order]}" >"$out"
  seconds_until 20 not_pulling
  at_most "$took" 2 "the end of a pull by condor_$order"
  wait_for 20 unclaimed
  pool run condor_rm "${cluster[$order]}" >"$out" 2>&1 || true
done
