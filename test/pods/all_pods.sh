# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing. Every pod of pods.tsv, made by one runtime: the rung
# that podpilot chooses in it, and what payloads can and cannot do there. The table of results is
# printed at the end, and kept for scripts/pod-table.
# shellcheck source=test/integration/lib.sh
. "${BASH_SOURCE[0]%/*}/../integration/lib.sh" || exit
# shellcheck source=test/pods/pod.sh
. "$PODPILOT_SOURCE/test/pods/pod.sh"
# shellcheck source=test/pods/image.sh
. "$PODPILOT_SOURCE/test/pods/image.sh"

wrong=() # POD: WHAT, one an entry
complain() { # WHAT
  wrong+=("${pod##*/}: $*")
  printf '  WRONG: %s\n' "$*"
}

pod_image=docker://$pod_registry/conformance:1 # as jobs name it

submit_pod_job() { # FAKE-ROOT(true|false) PROGRAM [OUTPUT...]
  jq -n --arg image "$pod_image" --arg program "/opt/conformance/$2" \
    --argjson fake "$1" '{image: $image, command: [$program], fake_root: $fake,
      outputs: $ARGS.positional}' --args "${@:3}" | "$program" submit "$pod/data/spool" -
}

# A pull that lasts until the attacks are over.
submit_slow_pull() {
  printf '{"image": "docker://127.0.0.1:%s/slow:1", "command": ["true"]}' "$slow_port" |
    "$program" submit "$pod/data/spool" -
}

answer_after() { # ID
  while [[ $(job_says "$1" .state) != 'done' ]]; do sleep 0.2; done
  touch "$pod/answer"
}

job_says() { # ID JQ-FILTER
  "$program" queue "$pod/data/spool" --json "$1" | jq -r "$2"
}

# Holds a check or an attack against what is not promised; `good`, `all`, `bad` are the caller's.
judge() { # GOOD(yes|no) NAME WHAT-HAPPENED
  local pattern
  all=$((all + 1))
  if [[ $1 == yes ]]; then
    good=$((good + 1))
    return
  fi
  bad+=" $2"
  for pattern in "${!not_promised[@]}"; do
    # shellcheck disable=SC2053
    if [[ $2 == $pattern ]]; then
      not_promised[$pattern]=seen
      return
    fi
  done
  complain "$2 $3"
}

is_open() { # ITEM: of those that doctor said, in `left_open` of the caller
  [[ " ${left_open[*]} " == *" $1 "* ]]
}

# Sets `left_open`, as doctor has just said, and by it `not_promised`, of the caller: patterns of
# names, with those of the pod itself.
expect_to_fail() { # PATTERNS-OF-THE-POD
  local patterns=$1 pattern item
  mapfile -t left_open < <(jq -r '.left_open[].name' "$pod/out")
  for item in "${left_open[@]}"; do
    if ! grep -q "^$item|" "$pods_source/left_open.tsv"; then complain "doctor says '$item'"; fi
    patterns+=" $(sed -n "s/^$item|//p" "$pods_source/left_open.tsv")"
  done
  read -ra patterns <<<"$patterns"
  for pattern in "${patterns[@]}"; do not_promised[$pattern]=; done
}

expect_seen() {
  local pattern
  for pattern in "${!not_promised[@]}"; do
    if [[ -z ${not_promised[$pattern]} ]]; then
      complain "nothing like '$pattern' goes wrong any more: promise it"
    fi
  done
}

# Sets `conformance`: how many of the checks went well, of how many.
judge_checks() { # ID [CHECK...]: of all if none is named
  local name result good=0 all=0 bad=
  if (($# == 1)); then set -- "$1" "$pods_source"/conformance/*; fi
  for name in "${@:2}"; do
    name=${name##*/}
    result=$(sed -n "s/^$name //p" "$(job_says "$1" .stdout)")
    judge "$([[ $result == 'ok '* ]] && echo yes || echo no)" "$name" "${result:-did not run}"
  done
  conformance=$good/$all${bad:+, not$bad}
}

# Of /proc/self/status: the most that a payload is ever given, and that the attacks ran with.
declare -rA capabilities_on=(
  [userns]=00000000a80425fb [userns-nomount]=00000000a80425fb
  [transplant-setuid]=0000000000000000 [transplant]=0000000000000000)

# Sets `attacks`: how many were refused, of how many. What root emulation answers for is no success:
# judge_targets looks at what is so.
judge_attacks() { # ID RUNG FAKE-ROOT [AT-LEAST]
  local name result good=0 all=0 faked=0 bad=
  while read -r name result; do
    case "$name $result" in
      'worked 0' | 'alive yes' | 'exe YES') continue ;; # signals to pid 1, which lives; itself
      capabilities\ *)
        expect_equal_here "$result" "${capabilities_on[$2]}" capabilities
        continue
        ;;
    esac
    if [[ $3 == true && "$name $result" =~ ^(owner-|mknod-|chown-).*\ YES$ ]]; then
      faked=$((faked + 1))
      continue
    fi
    judge "$([[ $result =~ ^(E[A-Z0-9]+|SIGSEGV)$ ]] && echo yes || echo no)" "$name" "$result"
  done <"$(job_says "$1" .stdout)"
  if ((all < ${4:-350})); then complain "only $all attacks were tried"; fi
  if [[ $3 == true ]] && ((faked < 3)); then complain "only $faked calls were faked"; fi
  attacks=$good/$all
}

# What the pilot made of links that a job planted, and what the attacks were aimed at.
judge_targets() { # ID-OF-LEAVE
  local outputs
  outputs=$(job_says "$1" .outputs)
  [[ -e $outputs/hard ]] || complain "no outputs of the job that planted links: $outputs"
  if grep -rqs token-of-the-pod "$outputs"; then complain "the token is in the outputs"; fi
  expect_equal_here "$(stat -c '%a %u %s %Y' "$pod"/sa "$pod"/sa/token)" "$token_was" "the token"
  expect_equal_here "$(stat -c '%a %u %s %Y' "$pod"/data/other-job{,/output})" "$other_was" \
    "another job's folder"
  if [[ -e $pod/upper/podpilot ]]; then complain "podpilot itself was changed"; fi
  # Where metadata is left open the last job's attacks show there; those of others were mended.
  run_pod cache verify --cache /pod/cache || is_open metadata || complain "the cache: $(tail -n 3 "$pod/out" "$pod/err")"
}

expect_equal_here() { # GOT WANT WHAT
  if [[ $1 != "$2" ]]; then complain "$3 is $1 instead of $2"; fi
}

expect_rung() { # WANT GOT
  if [[ $1 != "$2" ]]; then complain "rung '$2' instead of '$1'"; fi
}

try_doctor() { # RUNG REMEDY
  local status=0 want=0 failed
  run_pod doctor --json --cache /pod/cache || status=$?
  failed=$(jq -c '.checks[] | select(.result == "failed")' "$pod/out") || failed=$(<"$pod/err")
  if [[ $1 == - ]]; then want=1; fi
  if ((status != want)); then complain "doctor ends with $status: $failed"; fi
  expect_rung "${1#-}" "$(jq -r .rung "$pod/out")"
  if [[ $1 == - ]] && ! jq -r .remedy <<<"$failed" | grep -qE -- "$2"; then
    complain "no remedy like '$2': $failed"
  fi
}

try_pilot() { # RUNG
  local id status=0 checks_job leave_job attacks_job faking_job self_job token_was other_was jobs=1 answer=
  token_was=$(stat -c '%a %u %s %Y' "$pod"/sa "$pod"/sa/token)
  other_was=$(stat -c '%a %u %s %Y' "$pod"/data/other-job{,/output})
  mkdir "$pod/data/spool"
  leave_job=$(submit_pod_job false run_leave stolen-file stolen-folder deep spool hard)
  if [[ $1 == userns ]]; then
    jobs=2
    submit_slow_pull >/dev/null
  fi
  attacks_job=$(submit_pod_job false run_attacks)
  faking_job=$(submit_pod_job true run_attacks)
  self_job=$(submit_pod_job false run_self)
  checks_job=$(submit_pod_job false run_checks)
  chown -R "$pod_uid" "$pod/data/spool"
  if [[ $1 == userns ]]; then
    answer_after "$attacks_job" &
    answer=$!
  fi
  run_pod pilot --scheduler spool:/pod/spool --drain --jobs "$jobs" --cache /pod/cache || status=$?
  if [[ -n $answer ]]; then kill "$answer" 2>/dev/null || true; fi
  conformance=- attacks=- faking_attacks=-
  if [[ $1 == - ]]; then
    if ((status != 125)) || ! grep -q '(sandbox-unavailable)' "$pod/err"; then
      complain "the pilot ends with $status: $(tail -n 3 "$pod/err")"
    fi
    for id in "$checks_job" "$leave_job" "$attacks_job" "$faking_job" "$self_job"; do
      [[ $(job_says "$id" .state) == queued ]] || complain "job $(job_says "$id" tojson)"
    done
    return
  fi
  if ((status != 0)); then complain "the pilot ends with $status: $(tail -n 3 "$pod/err")"; fi
  for id in "$checks_job" "$leave_job" "$attacks_job" "$faking_job"; do
    if [[ $(job_says "$id" .state) != 'done' ]]; then
      complain "job $(job_says "$id" tojson)"
      return
    fi
  done
  judge_checks "$checks_job"
  judge_attacks "$faking_job" "$1" true
  faking_attacks=$attacks
  judge_attacks "$attacks_job" "$1" false
  # The pilot's own program, as an image's interpreter (CVE-2019-5736).
  expect_equal_here "$(job_says "$self_job" .slug)" payload-not-executable "a script of /proc/self/exe"
  judge_targets "$leave_job"
  expect_seen
}

try_pod() { # NAME WHAT PARTS RUNG NOT-PROMISED|REMEDY
  local -A not_promised=()
  local name=$1 rung=$4 parts left_open=() start=${EPOCHREALTIME/./} before=${#wrong[@]}
  read -ra parts <<<"$3"
  make_pod "$name" "${parts[@]}"
  try_doctor "$rung" "$5"
  if [[ $rung != - ]]; then expect_to_fail "$5"; fi
  try_pilot "$rung"
  printf '%-9s %-16s checks %-18s attacks %-10s %-10s %6d ms\n' "$name" "$rung" "$conformance" \
    "$attacks" "$faking_attacks" $(((${EPOCHREALTIME/./} - start) / 1000))
  if ((${#wrong[@]} > before)); then rung+=' (WRONG)'; fi
  printf '| %s | %s | %s | %s | %s | %s |\n' "$name" "$2" "${rung/#-/refused}" "$conformance" \
    "$attacks" "$faking_attacks" >>"$table"
  remove_pod
}

all_pods() { # RUNTIME
  local name what parts rung rest table
  needs root "$1" mkfs.ext4 umoci skopeo
  start_registry
  conformance_image "$tmp/conformance"
  push "$tmp/conformance" conformance:1
  make_node "$1" "$tmp/registry/storage"
  table=$PODPILOT_BUILD/pods-$1.md
  printf '| pod | what it is | rung | checks passed | attacks refused | with --fake-root |\n' \
    >"$table"
  printf '| --- | --- | --- | --- | --- | --- |\n' >>"$table"
  # By hand: PODS="C F" bash test/integration/pods.sh
  while IFS='|' read -r name what parts rung rest; do
    if [[ $name == '#'* || " ${PODS:-$name} " != *" $name "* ]]; then continue; fi
    try_pod "$name" "$what" "$parts" "$rung" "$rest"
  done <"$pods_source/pods.tsv"
  cat "$table"
  if ((${#wrong[@]})); then fail "$(printf '%s\n' "${#wrong[@]} expectations:" "${wrong[@]}")"; fi
}
