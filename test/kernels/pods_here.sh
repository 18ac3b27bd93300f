#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Inside of a virtual machine: the pods of pods.tsv that are for this kernel, and what jobs can and
# cannot do in them. Usage: pods_here.sh SUITE
# shellcheck source=test/kernels/pods_in_vm.sh
. "${BASH_SOURCE[0]%/*}/pods_in_vm.sh" || exit

# Of test/pods/conformance, those that a kernel decides.
readonly few_checks=(delete_lower openmp rename_layers shell_pipeline signals static_binary)
readonly few_targets=80 # attacks, at least

submit_checks() {
  jq -n --arg image "$pod_image" '{image: $image, command: (["/opt/conformance/run_checks"] +
    ($ARGS.positional | map("/opt/conformance/checks/" + .)))}' --args "${few_checks[@]}" |
    "$program" submit "$pod/data/spool" -
}

try_jobs() { # RUNG
  local id status=0 checks leave tries token_was other_was
  token_was=$(stat -c '%a %u %s %Y' "$pod"/sa "$pod"/sa/token)
  other_was=$(stat -c '%a %u %s %Y' "$pod"/data/other-job{,/output})
  mkdir "$pod/data/spool"
  leave=$(submit_pod_job false run_leave stolen-file stolen-folder deep spool hard)
  tries=$(submit_pod_job false few_attacks)
  checks=$(submit_checks)
  chown -R "$pod_uid" "$pod/data/spool"
  run_pod pilot --scheduler spool:/pod/spool --drain --jobs 1 --cache /pod/cache || status=$?
  if ((status != 0)); then complain "the pilot ends with $status: $(tail -n 3 "$pod/err")"; fi
  for id in "$checks" "$leave" "$tries"; do
    if [[ $(job_says "$id" .state) != 'done' ]]; then
      complain "job $(job_says "$id" tojson)"
      return
    fi
  done
  judge_checks "$checks" "${few_checks[@]}"
  judge_attacks "$tries" "$1" false "$few_targets"
  judge_targets "$leave"
}

try_kernel_pod() { # NAME WHAT PARTS RUNG NOT-PROMISED|REMEDY
  local -A not_promised=()
  local rung=$4 parts left_open=() conformance=- attacks=-
  read -ra parts <<<"$3"
  make_vm_pod "$1" "${parts[@]}"
  try_doctor "$rung" "$5"
  if [[ $rung == - ]]; then
    rung="refused: $(jq -r '[.checks[] | select(.name == "userns").detail][0]' "$pod/out")"
  else
    expect_to_fail "$5"
    try_jobs "$rung"
  fi
  printf '| %s | %s | %s | %s | %s |\n' "$(uname -r)" "$2" "$rung" "$conformance" "$attacks"
  remove_vm_pod
}

while IFS='|' read -r suite name what parts rung rest; do
  if [[ $suite != "$1" || " ${PODS:-$name} " != *" $name "* ]]; then continue; fi
  try_kernel_pod "$name" "$what" "$parts" "$rung" "$rest"
done <"$PODPILOT_SOURCE/test/kernels/pods.tsv"
if ((${#wrong[@]})); then fail "$(printf '%s\n' "${#wrong[@]} expectations:" "${wrong[@]}")"; fi
