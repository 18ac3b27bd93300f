#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What administrators of the pool may order by its own tools, and nobody else: drains, vacating, an
# end. condor_drain takes a slot's name; condor_vacate and condor_restart a pilot's that has an "@",
# and later versions a slot's as well.
# ctest: long
# ctest: timeout 400
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"
busybox_pool
name=admin@pod
slot=$name
[[ $POOL_SUITE == trixie ]] || slot=slot1_1@$name
start() { start_condor_pilot --cpus 2 --memory 1GiB --grace 20s --name "$name" "$@"; }
start

cat >"$jobs/deaf.sh" <<'END'
#!/bin/sh
trap : TERM
while :; do sleep 0.1; done
END
cat >"$jobs/short.sh" <<'END'
#!/bin/sh
sleep 5
END
job() { # NAME SCRIPT
  submit_job "$1" 'universe = container' "container_image = docker://$registry/busybox:1" "executable = $2" \
    'request_cpus = 1' 'request_memory = 64' 'request_disk = 20480' 'should_transfer_files = YES' \
    'when_to_transfer_output = ON_EXIT' 'job_max_vacate_time = 4'
}
admin() { POOL_USER=root pool run "$@" >"$out" 2>&1 || fail "$*: $(<"$out")"; }
starts() { (($(grep -c '^001' "${folder[$1]}/job.log") >= $2)); }
evictions() { (($(grep -c '^004' "${folder[$1]}/job.log") >= $2)); }
status_of() { pool run condor_q "${cluster[$1]}" -af JobStatus; }
is() { [[ $(status_of "$1") == "$2" ]]; }
slot_is() { slot_shows "Name == \"$1\" && State == \"$2\" && Activity == \"$3\""; }
gone() { ! kill -0 "$pilot" 2>/dev/null; }
refusals() { grep -c 'refused a peer' "$tmp/pilot.log" || true; }
evicted_after() { # NAME COUNT LEAST MOST COMMAND...: seconds
  local begun=$EPOCHREALTIME took
  "${@:5}"
  wait_for 30 evictions "$1" "$2"
  took=$(awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
  printf '%s s: %s\n' "$took" "${*:5}"
  awk -v t="$took" -v a="$3" -v b="$4" 'BEGIN { exit !(a <= t && t <= b) }' || fail "evicted after $took s: ${*:5}"
}

# Nobody else's orders count: each is one line, and the job goes on.
job long deaf.sh
wait_for 60 starts long 1
install -d -m 700 "$POOL_HOME/pool/home/pilot/.condor"/{,tokens.d}
cp "$tmp/token" "$POOL_HOME/pool/home/pilot/.condor/tokens.d/pool"
chown -R --reference "$POOL_HOME/pool/home/pilot" "$POOL_HOME/pool/home/pilot/.condor"
by_token() { POOL_USER=pilot pool run env _CONDOR_SEC_CLIENT_AUTHENTICATION_METHODS=IDTOKENS "$@"; }
expect_equal "$(by_token condor_status -af Name | sort -u | tr '\n' ' ')" "slot1@$name slot1_1@$name " "slots that the token shows"
for who in 'pool run' by_token; do
  for order in "condor_drain -fast slot1@$name" "condor_vacate $name" "condor_vacate -fast $slot" \
    "condor_restart -startd $name" "condor_drain -cancel slot1@$name"; do
    before=$(refusals)
    # shellcheck disable=SC2086  # words
    $who $order >"$out" 2>&1 || true
    wait_for 10 eval '(($(refusals) > before))'
    sleep 0.3
    expect_equal "$(refusals)" $((before + 1)) "lines about $who $order: $(<"$out")"
  done
done
expect_no_grep 'administrator' "$tmp/pilot.log"
expect_equal "$(status_of long)" 2 "the job meanwhile"

# Gracefully: what runs goes on, nothing new comes until that is taken back.
admin condor_drain -reason test "slot1@$name"
wait_for 10 slot_is "slot1@$name" Drained Retiring
job next short.sh
sleep 6
expect_equal "$(status_of long) $(status_of next)" "2 1" "states during a graceful drain"
POOL_USER=root pool run condor_drain "slot1@$name" >"$out" 2>&1 && fail "two drains at once"
expect_grep 'already draining' "$out"
admin condor_drain -cancel "slot1@$name"
wait_for 30 has_left next

# Not gracefully: softly with the time that the job has for its end, or at once. No job comes back
# before that is taken back; with -resume-on-completion it does by itself.
evicted_after long 1 3.5 12 admin condor_drain -quick "slot1@$name"
wait_for 10 slot_is "slot1@$name" Drained Idle
sleep 3
expect_equal "$(status_of long)" 1 "a drained job"
admin condor_drain -cancel "slot1@$name"
wait_for 60 starts long 2
evicted_after long 2 0 3.4 admin condor_drain -fast -resume-on-completion "slot1@$name"
wait_for 60 starts long 3

# One claim, all claims.
evicted_after long 3 3.5 12 admin condor_vacate "$slot"
wait_for 60 starts long 4
evicted_after long 4 0 3.4 admin condor_vacate -fast "$slot"
wait_for 60 starts long 5
evicted_after long 5 0 3.4 admin condor_vacate -fast "$name"
wait_for 60 starts long 6
pool run condor_rm "${cluster[long]}" >"$out"

# The pilot's end: what runs ends first.
job last short.sh
wait_for 60 starts last 1
admin condor_drain -exit-on-completion "slot1@$name"
wait_for 30 gone
expect_exit 0 wait "$pilot"
wait_for 20 has_left last
expect_equal "$(in_history last JobStatus ExitCode NumJobStarts)" '4 0 1' "the last job"
expect_equal "$(pool run condor_status -any -constraint "Name == \"$name\" || Machine == \"$(uname -n)\"" -af Name)" '' "ads that stay"

# An order to the startd to end, with a time for what runs.
cp "$tmp/pilot.log" "$tmp/first.log"
start --retirement 3s
job more deaf.sh
wait_for 60 starts more 1
evicted_after more 1 6 15 admin condor_restart -startd "$name"
wait_for 30 gone
expect_exit 0 wait "$pilot"
wait_for 10 is more 1
