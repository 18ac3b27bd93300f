#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What is the job's own fault puts it on hold with the codes that users' policies test and the
# words that say why; nothing of it costs the pilot its claim, and the next job runs.
# ctest: timeout 300
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root jq
# shellcheck source=test/integration/lib_htcondor.sh
. "$(dirname "$0")/lib_htcondor.sh"
mkdir -p "$tmp/eat/bin"
install -m 755 "$PODPILOT_BUILD/test/victims/eat" "$tmp/eat/bin/eat"
busybox_layer
make_image "$tmp/image" gzip "$cached" "$tmp/eat" -- --config.env PATH=/bin
start_registry
push "$tmp/image" eat:1

pool up
start_condor_pilot --cpus 2 --memory 1GiB --grace 3s

held() { [[ $(pool run condor_q "${cluster[$1]}" -af JobStatus) == 5 ]]; }
expect_hold() { # NAME CODE SUBCODE PATTERN
  wait_for 60 held "$1"
  expect_equal "$(pool run condor_q "${cluster[$1]}" -af HoldReasonCode HoldReasonSubCode)" "$2 $3" "hold of $1"
  pool run condor_q "${cluster[$1]}" -af HoldReason >"$out"
  expect_grep "$4" "$out"
}
container=('universe = container' 'request_cpus = 1' 'request_memory = 64' 'request_disk = 20480'
  'should_transfer_files = YES' 'when_to_transfer_output = ON_EXIT')
image="container_image = docker://$registry/eat:1"
printf '#!/bin/sh\nexit 0\n' >"$jobs/fine.sh"
printf '#!/bin/nowhere\n' >"$jobs/lost.sh"
printf 'no program\n' >"$jobs/text.sh"

submit_job nothere "${container[@]}" "container_image = docker://$registry/nowhere:7" 'executable = fine.sh'
submit_job memory "${container[@]}" "$image" 'executable = /bin/eat' 'transfer_executable = false' \
  'arguments = slowly 500'
submit_job disk "${container[@]}" "$image" 'executable = /bin/sh' 'transfer_executable = false' \
  "arguments = \"-c 'dd if=/dev/zero of=big bs=1M count=200; sleep 20'\""
submit_job lost "${container[@]}" "$image" 'executable = lost.sh'
submit_job missing "${container[@]}" "$image" 'executable = fine.sh' 'transfer_output_files = absent.txt'
expect_hold nothere 35 2 'nowhere'
expect_equal "$(pool run condor_q "${cluster[nothere]}" -af NumJobStarts)" 0 "starts of a job without an image"
expect_hold memory 34 102 'used .* of memory, with a limit of'
expect_hold disk 34 104 'of disk, with a limit of'
expect_hold lost 6 2 'lost.sh'
expect_hold missing 12 2 'absent.txt'

submit_job after "${container[@]}" "$image" 'executable = fine.sh'
wait_for 60 has_left after
expect_equal "$(in_history after JobStatus ExitCode)" '4 0' "the job after all of these"

# On hold by its owner, let go, and removed: the payload is gone at once.
nap=6$$ # tells this test's processes from others'
submit_job long "${container[@]}" "$image" 'executable = /bin/sleep' 'transfer_executable = false' \
  "arguments = $nap"
runs() { [[ $(pool run condor_q "${cluster[$1]}" -af JobStatus) == 2 ]] && pgrep -f "sleep $nap" >/dev/null; }
wait_for 60 runs long
pool run condor_hold "${cluster[long]}" >/dev/null
gone() { ! pgrep -f "sleep $nap" >/dev/null; }
wait_for 10 gone
pool run condor_release "${cluster[long]}" >/dev/null
wait_for 60 runs long
pool run condor_rm "${cluster[long]}" >/dev/null
wait_for 10 gone
unclaimed() { [[ -z $(pool run condor_status -constraint 'State == "Claimed"' -af Name) ]]; }
wait_for 30 unclaimed

# SIGTERM: soft for the one that listens, hard for the one that does not, and nothing is left.
cat >"$jobs/listens.sh" <<'END'
#!/bin/sh
trap 'echo told; exit 0' TERM
echo begun
while :; do sleep 0.1; done
END
submit_job listens "${container[@]}" "$image" 'executable = listens.sh'
submit_job deaf "${container[@]}" "$image" 'executable = /bin/sh' 'transfer_executable = false' \
  "arguments = \"-c 'trap : TERM; while :; do sleep $nap; done'\""
wait_for 60 runs deaf
kill -TERM "$pilot"
wait "$pilot" || fail "the pilot ended with $?"
gone || fail "the deaf job was left behind"
expect_equal "$(pool run condor_status -af Name)" "" "slots after the pilot's end"
idle() { [[ $(pool run condor_q "${cluster[$1]}" -af JobStatus) == 1 ]]; }
wait_for 20 idle listens
wait_for 20 idle deaf
