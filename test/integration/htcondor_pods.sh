#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Container jobs of a real pool in pods as Kubernetes makes them. Where there are namespaces two jobs
# share a slot; in the pod's own root there is one static slot, and a second job waits in the queue
# until the first is over: it is never started in vain.
# ctest: long
# ctest: timeout 300
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs root runc mkfs.ext4 umoci skopeo jq
# shellcheck source=test/pods/pod.sh
. "$PODPILOT_SOURCE/test/pods/pod.sh"
in_own_mounts "$0" "$@"
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"

pods_finish() {
  local status=$?
  set +e
  "${runtime[@]}" kill "${pod##*/}" KILL 2>/dev/null
  cp "$pod/err" "$tmp/pod.log" 2>/dev/null
  (exit "$status")
  pool_finish
}

start_registry
busybox_layer
for name in one two; do
  mkdir -p "$tmp/layer-$name/opt"
  echo "$name" >"$tmp/layer-$name/opt/name"
  make_image "$tmp/image-$name" gzip "$cached" "$tmp/layer-$name" -- --config.env PATH=/bin
  push "$tmp/image-$name" "$name:1"
done
make_node runc "$tmp/registry/storage"
pod=$node/none
trap pods_finish EXIT
pool up

cat >"$jobs/look.sh" <<'END'
#!/bin/sh
cat /opt/name
[ "$_CONDOR_SCRATCH_DIR" -ef "$PWD" ] || echo "working folder is $PWD, scratch $_CONDOR_SCRATCH_DIR"
[ "$0" -ef "$_CONDOR_SCRATCH_DIR/look.sh" ] || echo "executable is $0"
[ "$HOME" = "$_CONDOR_SCRATCH_DIR" ] || echo "home is $HOME"
grep -q "^ClusterId = " "$_CONDOR_JOB_AD" || echo "no job ad"
grep -q "^Name = " "$_CONDOR_MACHINE_AD" || echo "no machine ad"
cat "$_CONDOR_SCRATCH_DIR/in.txt" >out.txt
sleep "$1"
END
echo input >"$jobs/in.txt"

submit_look() { # NAME IMAGE SECONDS [LINE...]
  submit_job "$1" 'universe = container' "container_image = docker://$registry/$2:1" \
    'executable = look.sh' "arguments = $3" 'transfer_input_files = in.txt' \
    'transfer_output_files = out.txt' "transfer_output_remaps = \"out.txt=$1.txt\"" \
    'request_cpus = 1' 'request_memory = 64' 'request_disk = 10240' \
    'should_transfer_files = YES' 'when_to_transfer_output = ON_EXIT' "${@:4}"
}
queued() { # NAME -> JobStatus, starts of its shadow
  pool run condor_q "${cluster[$1]}" -af JobStatus 'NumShadowStarts ?: 0'
}
runs() { [[ $(queued "$1") == '2 1' ]]; }
expect_flown() { # NAME IMAGE
  wait_for 60 has_left "$1"
  expect_equal "$(in_history "$1" JobStatus ExitCode NumShadowStarts NumJobStarts)" '4 0 1 1' "job $1"
  expect_equal "$(<"${folder[$1]}/$1.out")" "$2" "stdout of $1"
  expect_equal "$(<"${folder[$1]}/$1.txt")" input "output of $1"
}

start_pod() { # NAME SLOT-TYPE PART...
  make_pod "$1" "${@:3}" host_network
  (umask 077 && pool token pilot@pool ADVERTISE_STARTD READ >"$pod/data/token")
  chown "$pod_uid" "$pod/data/token"
  pod_server=serve_nothing pod_timeout=120 run_pod pilot --scheduler "htcondor://127.0.0.1:$POOL_PORT" \
    --token-file /pod/token --cpus 2 --memory 1GiB --name "$1" --idle-exit 10s &
  pilot=$!
  wait_for 30 slot_shows
  expect_equal "$(pool run condor_status -af SlotType Cpus Machine)" "$2 2 pod" "slot in $1"
}
end_pod() {
  wait "$pilot" || fail "the pilot in ${pod##*/} ended with $?: $(<"$pod/err")"
  expect_equal "$(pool run condor_status -af Name)" "" "slots after the pilot's end"
  remove_pod
}

start_pod C Partitionable
submit_look c1 one 4
submit_look c2 two 4 'container_target_dir = /elsewhere'
wait_for 30 runs c1
wait_for 10 runs c2
expect_flown c1 one
expect_flown c2 two
end_pod

start_pod D2x Static seccomp_containerd_2
submit_look d1 one 10
wait_for 30 runs d1
submit_look d2 two 0
submit_look d3 two 0 'container_target_dir = /elsewhere' # a name that the pod's root lacks
waits=0
while runs d1; do # several cycles of the negotiator
  expect_equal "$(queued d2)" '1 0' "the second job"
  waits=$((waits + 1))
  sleep 0.5
done
((waits > 3)) || fail "the first job was over before the second waited"
expect_flown d1 one
expect_flown d2 two
expect_flown d3 two
end_pod
