#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A real pool takes our sessions: made by token, resumed, replaced with the token; a slot comes and
# goes; peers reach it through the broker, which is restarted meanwhile; each refusal is its own error.
# ctest: long
# ctest: timeout 300
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs root python3
# shellcheck source=test/integration/lib_htcondor.sh
. "$(dirname "$0")/lib_htcondor.sh" || exit

# shellcheck disable=SC2016  # the pool's own variables
pool up 'ALLOW_ADVERTISE_STARTD = $(ALLOW_ADVERTISE_STARTD) next@pool' \
  'SEC_DEFAULT_SESSION_DURATION = 30' 'MASTER_BACKOFF_CONSTANT = 1'

install -m 755 "$PODPILOT_BUILD/test/htcondor_client" "$tmp/client"
client=("${unprivileged[@]}" "${pilot_env[@]}" "$tmp/client" "127.0.0.1:$POOL_PORT")

token() { # NAME IDENTITY AUTHZ...: writes $tmp/NAME, which only the client's user can read
  pool token "${@:2}" >"$tmp/$1"
  give_user "$tmp/$1"
  chmod 600 "$tmp/$1"
}

# The token with one claim changed: what a pool thinks of it is as if it had been made so, as far as
# it looks at that claim before the signature.
changed_token() { # NAME CLAIM VALUE, for iat and exp in seconds from now
  python3 - "$tmp/pilot" "$2" "$3" >"$tmp/$1" <<'END'
import base64, json, sys, time
header, payload, signature = open(sys.argv[1]).read().strip().split('.')
claims = json.loads(base64.urlsafe_b64decode(payload + '=='))
value = sys.argv[3]
claims[sys.argv[2]] = int(time.time()) + int(value) if sys.argv[2] in ('iat', 'exp') else value
payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')
print('.'.join((header, payload, signature)))
END
  give_user "$tmp/$1"
}

slots() { pool run condor_status -af Name AuthenticatedIdentity | sort; }
has_slots() { [[ $(slots) == "$1" ]]; } # LINES
says() { grep -qE -- "$1" "$tmp/client.log"; }

token pilot pilot@pool ADVERTISE_STARTD READ
token next next@pool ADVERTISE_STARTD READ
token stranger stranger@pool ADVERTISE_STARTD READ
token reader pilot@pool READ

# --- a slot comes and goes; the token is needed for new sessions only ------------------------------

cp -p "$tmp/pilot" "$tmp/token"
"${client[@]}" "$tmp/token" update one@pod wait 2s update two@pod wait 32s update three@pod \
  >"$tmp/client.log" 2>&1 &
pid=$!
wait_for 10 says 'updated one@pod'
cp -p "$tmp/next" "$tmp/token.new"
mv "$tmp/token.new" "$tmp/token"
wait "$pid" || fail "$(<"$tmp/client.log")"
wait_for 10 has_slots "one@pod pilot@pool
three@pod next@pool
two@pod pilot@pool"

expect_exit 0 "${client[@]}" "$tmp/pilot" invalidate one@pod invalidate two@pod invalidate three@pod
wait_for 10 has_slots ''

# --- peers reach it through the broker -------------------------------------------------------------

"${client[@]}" "$tmp/pilot" ccb update slot1@pod wait 2m >"$tmp/client.log" 2>&1 &
pid=$!
wait_for 10 says 'updated slot1@pod'
contact=$(sed -n 's/^contact //p' "$tmp/client.log")
wait_for 10 has_slots 'slot1@pod pilot@pool'
address=$(pool run condor_status -af MyAddress)
# A schedd, in the session of the claim id that the negotiator gave it.
submit_job tiny 'executable = /bin/true' 'transfer_executable = false' 'request_disk = 1000'
wait_for 30 says 'command 442 from submit-side@matchsession'
pool run condor_rm "${cluster[tiny]}" >/dev/null
# Anybody without one.
pool run condor_ping -addr "$address" READ >/dev/null 2>&1 && fail "a stranger got in"
wait_for 10 says 'refused: a peer without a session of ours'

# The broker ends and comes back: the same contact, because the cookie proves whose it was. (A killed
# one may have lost its records.)
node=$(pgrep --parent "$(cut -d' ' -f1 "$POOL_HOME/pool/pid")")
kill -TERM "$(pgrep --ns "$node" --nslist pid '^condor_collecto')" # a name has 15 characters
wait_for 10 says '^trouble transient'
wait_for 60 has_slots '' # it is back, and knows of no slot
tried=$(grep -c refused "$tmp/client.log")
reached_again() {
  pool run condor_ping -addr "$address" READ >/dev/null 2>&1
  (($(grep -c refused "$tmp/client.log") > tried))
}
wait_for 30 reached_again
expect_equal "$(sed -n 's/^contact //p' "$tmp/client.log")" "$contact" contact
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true

# --- refusals --------------------------------------------------------------------------------------

expect_refusal() { # TOKEN FAULT WORDS
  expect_exit 1 "${client[@]}" "$tmp/$1" update slot1@pod
  expect_grep "^error: $2 .*$3" "$out"
  expect_equal "$(wc -l <"$out")" 1 lines
}
changed_token issuer iss elsewhere
changed_token expired exp -100
changed_token early iat 4000
changed_token forged jti 0
expect_refusal issuer denied "wrong issuer: the pool's trust domain is pool, the token's is elsewhere"
expect_refusal expired denied 'pilot@pool: it expired 10[0-9].* ago'
expect_refusal early denied 'in the future'
expect_refusal forged denied "wrong key: .* was not signed with the pool's key POOL"
expect_refusal stranger denied \
  'line ALLOW_ADVERTISE_STARTD = \$\(ALLOW_ADVERTISE_STARTD\) stranger@pool$'
expect_refusal reader denied 'lacks the authorization ADVERTISE_STARTD'
expect_refusal missing not_found 'ENOENT'
: >"$tmp/empty"
expect_refusal empty denied 'no token in'
expect_grep 'PERMISSION DENIED to stranger@pool' "$POOL_HOME/pool/log/CollectorLog"

# --- a token of the environment --------------------------------------------------------------------

"${unprivileged[@]}" "${pilot_env[@]}" "POOL_TOKEN=$(<"$tmp/pilot")" "$tmp/client" \
  "127.0.0.1:$POOL_PORT" env:POOL_TOKEN update slot1@pod wait 1m >"$tmp/client.log" 2>&1 &
pid=$!
wait_for 10 says 'updated slot1@pod'
tr '\0' '\n' <"/proc/$pid/environ" >"$tmp/environ"
expect_grep '^HOME=' "$tmp/environ"
expect_no_grep 'eyJ' "$tmp/environ"
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
