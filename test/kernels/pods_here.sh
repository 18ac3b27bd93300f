#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Inside of a virtual machine: the pods of pods.tsv that are for this kernel, and what jobs with the
# image in the folder /image can and cannot do in them. Usage: pods_here.sh SUITE
# shellcheck source=test/pods/all_pods.sh
. "${BASH_SOURCE[0]%/*}/../pods/all_pods.sh" || exit
in_own_mounts "$0" "$@"

node=/node
runtime=(runc --root "$tmp/runc")
pod_cgroup=pods
pod_server=serve_nothing
pod_timeout=500
pod_image=/pod/image
mapfile -t few_checks < <(sed -n 's#^  /opt/conformance/checks/\([a-z_]*\).*#\1#p' \
  "$PODPILOT_SOURCE/test/kernels/few_checks")
mkdir -p "$node/plain"
"$PODPILOT_SOURCE/scripts/pilot-root" "$node/links"
install -m 0111 "$PODPILOT" "$node/links/podpilot"
if [[ -w /sys/kernel/security/apparmor/.replace ]]; then
  apparmor_parser --replace "$PODPILOT_SOURCE/test/kernels/apparmor_default"
fi

submit_eater() { # a job that wants more than it may have
  jq -n --arg image "$pod_image" '{image: $image, memory: "64MiB",
    command: ["/opt/conformance/static/eat", "threads", "500", "2"]}' |
    "$program" submit "$pod/data/spool" -
}

try_jobs() { # RUNG OPTION...
  local id status=0 checks leave tries eat seen token_was other_was
  token_was=$(stat -c '%a %u %s %Y' "$pod"/sa "$pod"/sa/token)
  other_was=$(stat -c '%a %u %s %Y' "$pod"/data/other-job{,/output})
  mkdir "$pod/data/spool"
  leave=$(submit_pod_job run_leave stolen-file stolen-folder deep spool hard)
  seen=$(submit_pod_job count_sleepers)
  tries=$(submit_pod_job few_attacks)
  checks=$(submit_pod_job few_checks)
  eat=$(submit_eater)
  chown -R "$pod_uid" "$pod/data/spool"
  run_pod pilot --scheduler spool:/pod/spool --drain --jobs 1 --cache /pod/cache "${@:2}" || status=$?
  if ((status != 0)); then complain "the pilot ends with $status: $(tail -n 3 "$pod/err")"; fi
  for id in "$checks" "$leave" "$tries" "$seen"; do
    if [[ $(job_says "$id" .state) != 'done' ]]; then
      complain "job $(job_says "$id" tojson)"
      return
    fi
  done
  judge_checks "$checks" "${few_checks[@]}"
  judge_attacks "$tries" 80
  judge_targets "$leave"
  expect_equal_here "$(<"$(job_says "$seen" .stdout)")" 0 "processes that a job left"
  expect_equal_here "$(job_says "$eat" '"\(.state) \(.slug)"')" 'failed payload-over-memory' \
    "the job over its limit"
}

try_kernel_pod() { # NAME PARTS OPTIONS RUNG NOT-PROMISED|REMEDY
  local -A not_promised=()
  local rung=$4 parts options start=$SECONDS conformance=- attacks=-
  read -ra parts <<<"$2"
  read -ra options <<<"$3"
  if [[ $rung != - ]]; then expect_to_fail "$rung" "$5"; fi
  make_pod "$1" "${parts[@]}"
  mv /image "$pod/data/image"
  try_doctor "$rung" "$5" "${options[@]}"
  jq -r '"  doctor: " + (.checks[] | "\(.name): \(.detail)")' "$pod/out" || true
  if [[ $rung != - ]]; then try_jobs "$rung" "${options[@]}"; fi
  mv "$pod/data/image" /image
  printf '%s %-10s %-18s checks %-18s attacks %-10s %4d s\n' "$(uname -r)" "$1" "$rung" "$conformance" \
    "$attacks" $((SECONDS - start))
  remove_pod
}

while IFS='|' read -r suite name parts options rung rest; do
  if [[ $suite != "$1" || " ${PODS:-$name} " != *" $name "* ]]; then continue; fi
  try_kernel_pod "$name" "$parts" "$options" "$rung" "$rest"
done <"$PODPILOT_SOURCE/test/kernels/pods.tsv"
if ((${#wrong[@]})); then fail "$(printf '%s\n' "${#wrong[@]} expectations:" "${wrong[@]}")"; fi
