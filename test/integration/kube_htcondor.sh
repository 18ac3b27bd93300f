#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The restricted pod of scripts/kubernetes, made by podman of the manifest as it is, joins a real pool: jobs
# of three images end with 0, and SIGTERM ends the pilot, which says goodbye to the pool.
# ctest: long
# ctest: timeout 300
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=test/kubernetes/podman.sh
. "$PODPILOT_SOURCE/test/kubernetes/podman.sh"
# shellcheck source=scripts/lib/kubernetes.sh
. "$PODPILOT_SOURCE/scripts/lib/kubernetes.sh"
in_own_network "$0" env POOL_HOME="$tmp/home" "$PODPILOT_SOURCE/scripts/htcondor-pool" fetch
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"
start_registry
three_images
start_kube_root
make_pilot_image
pool up

site=$tmp/sites/htcondor
make_site "$site" ../../../kubernetes job restricted htcondor localhost/podpilot:test
(umask 077 && pool token pilot@pool ADVERTISE_STARTD READ >"$site/token")
cat >>"$site/kustomization.yaml" <<END
configMapGenerator:
  - {name: podpilot, literals: ["PODPILOT_SCHEDULER=htcondor://127.0.0.1:$POOL_PORT", PODPILOT_SITE=kube]}
secretGenerator:
  - {name: podpilot-pool, files: [token]}
END
for name in one two three; do
  submit_job "$name" 'universe = container' "container_image = docker://$registry/$name:1" \
    'executable = /bin/cat' 'transfer_executable = false' 'arguments = /opt/name' 'request_cpus = 1' \
    'request_memory = 64' 'request_disk = 10240' 'should_transfer_files = YES'
done
slot=
slot_of_pod() {
  slot=$(pool run condor_status -af PodpilotRung SlotType GLIDEIN_Site)
  [[ -n $slot ]]
}
play /test/sites/htcondor containerd_2
wait_for 60 slot_of_pod
expect_equal "$slot" 'transplant Static kube' "the slot"
for name in one two three; do
  wait_for 120 has_left "$name"
  expect_equal "$(in_history "$name" JobStatus ExitCode)" '4 0' "job $name"
  expect_equal "$(<"${folder[$name]}/$name.out")" "$name" "stdout of $name"
done
in_kube_root podman pod stop podpilot-pod >"$tmp/stop.log" 2>&1
expect_equal "$(pilot_exit)" 0 "exit code of the pilot"
expect_equal "$(pool run condor_status -af Name)" "" "slots after the pilot's end"
