#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The pods of scripts/kubernetes, made by podman of the manifests as they are: jobs of three images on the
# rungs that the manifests are for, with their metrics, and SIGTERM during a job. Of the manifests podman
# leaves out NetworkPolicy, PriorityClass, ServiceAccount, fsGroup, probes without systemd, and limits
# without cgroups.
# ctest: timeout 600
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=test/kubernetes/podman.sh
. "$PODPILOT_SOURCE/test/kubernetes/podman.sh"
# shellcheck source=scripts/lib/kubernetes.sh
. "$PODPILOT_SOURCE/scripts/lib/kubernetes.sh"
in_own_network "$0"
needs promtool
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
  patch_pilot "$tmp/sites/$1" PODPILOT_IDLE_EXIT=4s PODPILOT_DRAIN_FOR=1s PODPILOT_GRACE=2s
  play "/test/sites/$1" "$2"
}

metrics_show() { # LINE, a pattern; the pod's metrics are in $tmp/metrics then
  curl --silent --fail --max-time 10 --output "$tmp/metrics" http://127.0.0.1:9464/metrics &&
    grep -qxE -- "$1" "$tmp/metrics"
}

pilot_uid=1000 # as seen outside of the pod
try() { # SECURITY NODE RUNG USERS RESULTS
  local name jobs=()
  # shellcheck disable=SC2016  # for the payload's shell
  for name in one two three; do
    jobs+=("$(job "$name" 'cat /opt/name; id=$(id -u); [ "$id" -lt 20000 ] || id=own; echo "$id"; sleep 1')")
  done
  play_spool "$1" "$2"
  wait_for 60 metrics_show 'podpilot_slots\{state="busy"\} [12]'
  expect_sound_metrics "$tmp/metrics"
  expect_grep "^podpilot_pilot_info\{.*scheduler=\"spool\",rung=\"$3\",users=\"$4\"\} 1$" "$tmp/metrics"
  # They are there for as long as the pilot is idle.
  wait_for 60 metrics_show 'podpilot_jobs_total\{outcome="done",origin="payload",reason="exit"\} 3'
  expect_sound_metrics "$tmp/metrics"
  expect_equal "$(grep -c '^podpilot_jobs_total{' "$tmp/metrics")" 1 "kinds of ends, $1"
  expect_grep '^podpilot_images_total\{result="pulled"\} 3$' "$tmp/metrics"
  expect_grep '^podpilot_job_start_seconds_count 3$' "$tmp/metrics"
  expect_grep '^podpilot_slots\{state="busy"\} 0$' "$tmp/metrics"
  awk '$1 == "podpilot_core_seconds_total{spent=\"goodput\"}" { exit $2 < 3 }' "$tmp/metrics" ||
    fail "goodput of three jobs of 1 s, $1: $(grep goodput "$tmp/metrics")"
  expect_equal "$(pilot_exit)" 0 "exit code of the pilot, $1"
  expect_grep "\"rung\":\"$3\"" "$tmp/pilot.log"
  expect_equal "$(for name in "${jobs[@]}"; do
    job_field "$name" .state
    cat "$(job_field "$name" .stdout)"
  done | xargs)" "$5" "jobs, $1"
  expect_equal "$(stat -c %u "$(job_field "${jobs[0]}" .stdout)")" "$pilot_uid" "owner of what $1 writes"
  unplay "/test/sites/$1"
}
try restricted containerd_2 transplant one 'done one 1000 done two 1000 done three 1000'
try restricted-read-only-root containerd_2 transplant one 'done one 1000 done two 1000 done three 1000'
try baseline unconfined userns any 'done one 0 done two 0 done three 0'

fly_as() { # UID: who submits, too
  pilot_uid=$1
  chown -R "$1:$1" "$spool"
  podpilot=("${unprivileged[@]/#1000/$1}" "${pilot_env[@]}" "$program")
}
fly_as "$pod_root_id"
try user-namespace unconfined userns any 'done one 0 done two 0 done three 0'
try user-namespace containerd_2 transplant-setuid any 'done one own done two own done three own'
fly_as 1000

long=$(job one 'sleep 300')
play_spool restricted containerd_2
wait_for 30 job_is "$long" running
answers() { # PATH: with 200, as a kubelet's probe asks
  [[ $(curl --silent --max-time 10 --output "$tmp/$1.log" --write-out '%{http_code}' "http://127.0.0.1:9464/$1") == 200 ]]
}
for path in livez readyz; do wait_for 10 answers "$path"; done
start=$SECONDS
in_kube_root podman pod stop podpilot-pod >"$tmp/stop.log" 2>&1
((SECONDS - start < 30)) || fail "SIGTERM took $((SECONDS - start)) s"
expect_equal "$(pilot_exit)" 0 "exit code of the pilot after SIGTERM"
expect_equal "$(job_field "$long" '"\(.state) \(.strikes)"')" 'queued 0' "the job that SIGTERM met"
