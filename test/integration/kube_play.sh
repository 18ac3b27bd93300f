#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The pods of scripts/kubernetes, made by podman of the manifests as they are: jobs of three images on the
# rungs that the manifests are for, and SIGTERM during a job. Of the manifests podman leaves out
# NetworkPolicy, PriorityClass, ServiceAccount, fsGroup, probes without systemd, and limits without cgroups.
# ctest: timeout 600
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=test/kubernetes/podman.sh
. "$PODPILOT_SOURCE/test/kubernetes/podman.sh"
# shellcheck source=scripts/lib/kubernetes.sh
. "$PODPILOT_SOURCE/scripts/lib/kubernetes.sh"
in_own_network "$0"
start_registry
three_images
start_kube_root
make_pilot_image
make_spool_volume

job() { # IMAGE COMMAND -> its id
  submit "$(jq -n --arg image "docker://$registry/$1:1" --arg command "$2" \
    '{image: $image, command: ["sh", "-c", $command]}')"
}
play_spool() { # SECURITY NODE [LINE...]: a Job of pilots that end soon
  make_site "$tmp/sites/$1" ../../../kubernetes job "$1" spool localhost/podpilot:test
  patch_pilot "$tmp/sites/$1" PODPILOT_IDLE_EXIT=1s PODPILOT_DRAIN_FOR=1s PODPILOT_GRACE=2s
  play "/test/sites/$1" "$2"
}

pilot_uid=1000 # as seen outside of the pod
try() { # SECURITY NODE RUNG RESULTS
  local name jobs=()
  # shellcheck disable=SC2016  # for the payload's shell
  for name in one two three; do
    jobs+=("$(job "$name" 'cat /opt/name; id=$(id -u); [ "$id" -lt 20000 ] || id=own; echo "$id"')")
  done
  play_spool "$1" "$2"
  expect_equal "$(pilot_exit)" 0 "exit code of the pilot, $1"
  expect_grep "\"rung\":\"$3\"" "$tmp/pilot.log"
  expect_equal "$(for name in "${jobs[@]}"; do
    job_field "$name" .state
    cat "$(job_field "$name" .stdout)"
  done | xargs)" "$4" "jobs, $1"
  expect_equal "$(stat -c %u "$(job_field "${jobs[0]}" .stdout)")" "$pilot_uid" "owner of what $1 writes"
  unplay "/test/sites/$1"
}
try restricted containerd_2 transplant 'done one 1000 done two 1000 done three 1000'
try restricted-read-only-root containerd_2 transplant 'done one 1000 done two 1000 done three 1000'
try baseline unconfined userns 'done one 0 done two 0 done three 0'

fly_as() { # UID: who submits, too
  pilot_uid=$1
  chown -R "$1:$1" "$spool"
  podpilot=("${unprivileged[@]/#1000/$1}" "${pilot_env[@]}" "$program")
}
fly_as "$pod_root_id"
try user-namespace unconfined userns 'done one 0 done two 0 done three 0'
try user-namespace containerd_2 transplant-setuid 'done one own done two own done three own'
fly_as 1000

long=$(job one 'sleep 300')
play_spool restricted containerd_2
wait_for 30 job_is "$long" running
answers() { # PATH: with 200, as a kubelet's probe asks
  [[ $(curl --silent --max-time 10 --output "$tmp/$1.log" --write-out '%{http_code}' "http://127.0.0.1:9464/$1") == 200 ]]
}
for path in livez readyz metrics; do wait_for 10 answers "$path"; done
expect_grep '^podpilot_build_info\{' "$tmp/metrics.log"
expect_grep '^podpilot_slots\{state="busy"\} 1$' "$tmp/metrics.log"
start=$SECONDS
in_kube_root podman pod stop podpilot-pod >"$tmp/stop.log" 2>&1
((SECONDS - start < 30)) || fail "SIGTERM took $((SECONDS - start)) s"
expect_equal "$(pilot_exit)" 0 "exit code of the pilot after SIGTERM"
expect_equal "$(job_field "$long" '"\(.state) \(.strikes)"')" 'queued 0' "the job that SIGTERM met"
