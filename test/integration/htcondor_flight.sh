#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A pilot joins a real pool with a token that allows it to advertise and read, and nothing else, and
# runs unmodified container jobs: files both ways, exit codes, what history says of them.
# ctest: timeout 300
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root jq
# shellcheck source=test/integration/lib_htcondor.sh
. "$(dirname "$0")/lib_htcondor.sh"
busybox_pool
start_condor_pilot --cpus 2 --memory 2GiB --idle-exit 20s

cat >"$jobs/work.sh" <<'END'
#!/bin/sh
echo "job $1 in $(cat /etc/hostname >/dev/null && pwd)"
echo "to stderr" >&2
cat in.txt >out.txt
mkdir -p made/of && echo "$FOO" >made/of/env.txt
[ "$_CONDOR_SCRATCH_DIR" = "$PWD" ] || echo "scratch is $_CONDOR_SCRATCH_DIR"
[ -s "$_CONDOR_JOB_AD" ] || echo "no job ad"
[ -s "$_CONDOR_MACHINE_AD" ] || echo "no machine ad"
exit $(($1 % 4))
END
echo "input of all" >"$jobs/in.txt"
queue='queue 20' submit_job many "${container[@]}" 'executable = work.sh' 'arguments = $(Process)' \
  'transfer_input_files = in.txt' 'transfer_output_files = out.txt, made' \
  'transfer_output_remaps = "out.txt=out.$(Process).txt;made=made.$(Process)"' \
  "environment = \"FOO='two words'\""
submit_job alone "${container[@]}" "arguments = \"-c 'echo from the image'\"" 'executable = /bin/sh' \
  'transfer_executable = false'
wait_for 120 has_left many
wait_for 60 has_left alone

for n in {0..19}; do
  [[ -e ${folder[many]}/out.$n.txt ]] || continue
  expect_equal "$(<"${folder[many]}/out.$n.txt")" "input of all" "output of job $n"
  expect_equal "$(<"${folder[many]}/made.$n/of/env.txt")" "two words" "environment of job $n"
done
expect_equal "$(in_history many JobStatus ExitCode NumJobStarts | sort | uniq -c | tr -s ' ' | tr '\n' ';')" \
  " 5 4 0 1; 5 4 1 1; 5 4 2 1; 5 4 3 1;" "ends of the jobs"
expect_equal "$(cat "${folder[alone]}/alone.out")" "from the image" "stdout of a job without an executable"
expect_equal "$(in_history alone ExitCode)" 0 "its exit code"
expect_equal "$(pool run condor_history -af ChirpContainerImageDigest | sort -u)" \
  "$(podpilot cache ls --json --cache "$cache" | jq -r .manifest)" "the image's digest in the history"
expect_equal "$(in_history many 'isReal(ChirpContainerImagePullTime)' | sort -u)" true "is there a pull time"

# Nothing to do any more: it says goodbye and ends.
wait "$pilot" || fail "the pilot ended with $?"
expect_equal "$(pool run condor_status -af Name)" "" "slots after the pilot's end"
expect_no_grep "(token|secret|[0-9a-f]{64})" "$tmp/pilot.log"

# A token that the pool refuses ends it at once.
sed 's/[^.]*$/Zm9yZ2Vk/' "$tmp/token" >"$tmp/forged"
give_user "$tmp/forged"
chmod 600 "$tmp/forged"
expect_exit 125 podpilot pilot --scheduler "htcondor://127.0.0.1:$POOL_PORT" --token-file "$tmp/forged" --cache "$cache"
expect_grep '^podpilot pilot: .* \(scheduler-unavailable\): ' "$err"
