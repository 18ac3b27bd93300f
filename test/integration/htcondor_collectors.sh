#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A pilot of two collectors: both show its slot, and when one is killed under a running job the other
# still does, the job ends as if nothing had been, and the next one is matched.
# ctest: long
# ctest: timeout 240
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"
# The second one is behind the first's port; nobody brings it back while the test lasts.
# shellcheck disable=SC2016  # the pool's own variables
busybox_pool 'DAEMON_LIST = $(DAEMON_LIST) SECOND' 'SECOND = $(COLLECTOR)' 'SECOND_ARGS = -sock second' \
  'SECOND_LOG = $(LOG)/SecondLog' 'MASTER_BACKOFF_CONSTANT = 600'
first=127.0.0.1:$POOL_PORT
second="$first?sock=second"
(umask 077 && pool token pilot@pool ADVERTISE_STARTD READ >"$tmp/token")
give_user "$tmp/token"
"${podpilot[@]}" pilot --scheduler "htcondor://$first,$second" --token-file "$tmp/token" \
  --cache "$cache" --cpus 2 --memory 1GiB >"$tmp/pilot.out" 2>"$tmp/pilot.log" &
pilot=$!
shown_by() { [[ -n $(pool run condor_status -pool "$1" -startd -af Name 2>/dev/null) ]]; }
wait_for 30 shown_by "$first"
wait_for 30 shown_by "$second"

submit_nap() { # NAME SECONDS
  submit_job "$1" "${container[@]}" 'executable = /bin/sleep' "arguments = $2" 'transfer_executable = false'
}
runs() { [[ $(pool run condor_status -claimed -af Activity) == *Busy* ]]; }
expect_flown() { # NAME
  wait_for 60 has_left "$1"
  expect_equal "$(in_history "$1" JobStatus ExitCode NumShadowStarts NumJobStarts)" '4 0 1 1' "job $1"
}

submit_nap under 12
wait_for 30 runs
node=$(pgrep --parent "$(cut -d' ' -f1 "$POOL_HOME/pool/pid")")
second_pid=$(pgrep --ns "$node" --nslist pid --full -- '-sock second')
kill -KILL "$second_pid"
wait_for 10 grep -q 'no way in through a broker' "$tmp/pilot.log"
shown_by "$second" && fail "the second collector answers still"
shown_by "$first" || fail "the first collector shows no slot"
runs || fail "the job does not run any more"
expect_flown under
submit_nap next 0
expect_flown next
shown_by "$first" || fail "the first collector shows no slot any more"
kill -TERM "$pilot"
wait "$pilot" || fail "the pilot ended with $?"
shown_by "$first" && fail "the slot was not taken back"
true
