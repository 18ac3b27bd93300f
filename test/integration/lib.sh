# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing by the tests in this folder. A test has a folder of its own in $tmp, ends what it
# started, and runs podpilot as an ordinary user. By hand: bash test/integration/NAME.sh
set -euo pipefail

PODPILOT_SOURCE=${PODPILOT_SOURCE:-$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)}
PODPILOT_BUILD=${PODPILOT_BUILD:-$PODPILOT_SOURCE/build/release}
PODPILOT=${PODPILOT:-$PODPILOT_BUILD/podpilot}
# shellcheck source=scripts/lib/user.sh
. "$PODPILOT_SOURCE/scripts/lib/user.sh"
# shellcheck source=scripts/lib/registry.sh
. "$PODPILOT_SOURCE/scripts/lib/registry.sh"
# shellcheck source=scripts/lib/images.sh
. "$PODPILOT_SOURCE/scripts/lib/images.sh"

# --- the folder and the end -----------------------------------------------------------------------

tmp=$(make_temp_dir integration)
chmod 755 "$tmp"
cache=$tmp/cache
spool=$tmp/spool
mkdir "$tmp"/{home,cache,spool,work}
give_user "$tmp"/{home,cache,spool,work}
out=$tmp/stdout
err=$tmp/stderr

mounts=()
finish() {
  local status=$? pid mount
  trap - EXIT
  set +e
  for pid in $(jobs -p); do # what the test started beside itself, as far as it still runs
    kill -KILL "$pid"
    wait "$pid"
  done 2>/dev/null
  for mount in "${mounts[@]}"; do umount "$mount" || umount --lazy "$mount"; done
  if ((status != 0 && status != 77)); then
    for log in "$tmp"/*.log; do
      if [[ -s $log ]]; then printf -- '--- %s\n%s\n' "${log##*/}" "$(tail -n 30 "$log")" >&2; fi
    done
  fi
  rm -rf "$tmp"
  exit "$status"
}
trap finish EXIT

fail() { # TEXT...
  printf 'FAILED, line %s: %s\n' "${BASH_LINENO[-2]}" "$*" >&2
  exit 1
}

skip() { # WHAT IS MISSING
  printf 'skipped: %s\n' "$*"
  exit 77
}

# --- running podpilot -----------------------------------------------------------------------------

# A copy of its own tells this test's processes from everybody else's.
program=$tmp/podpilot
install -m 755 "$PODPILOT" "$program"
# How full the machine's disk is has no say in what a test finds in its cache.
pilot_env=(env -i "HOME=$tmp/home" "PATH=$PATH" "LC_ALL=C.UTF-8" PODPILOT_CACHE_FREE=0)
# As arrays, "${podpilot[@]}" ARGUMENT... & leaves podpilot's own pid in $!.
podpilot=("${unprivileged[@]}" "${pilot_env[@]}" "$program")
podpilot() { "${podpilot[@]}" "$@"; }
run() { podpilot run --cache "$cache" "$@"; }
pull() { podpilot pull --cache "$cache" "$@"; }

needs() { # userns|root|PROGRAM...
  local what
  for what in "$@"; do
    case $what in
      userns)
        podpilot doctor --cache "$cache" >"$out" 2>&1 ||
          skip "no sandbox on this machine: $(cat "$out")"
        ;;
      root) ((EUID == 0)) || skip "needs root" ;;
      *) command -v "$what" >/dev/null || skip "needs $what" ;;
    esac
  done
}

# --- what is expected -----------------------------------------------------------------------------

show_output() {
  printf -- '--- stdout:\n%s\n--- stderr:\n%s\n' "$(tail -n 30 "$out")" "$(tail -n 30 "$err")" >&2
}

# Runs COMMAND with its output in $out and $err.
expect_exit() { # CODE COMMAND...
  local want=$1 got=0
  shift
  "$@" >"$out" 2>"$err" || got=$?
  if ((got != want)); then
    show_output
    fail "exit $got instead of $want: $*"
  fi
}

expect_equal() { # GOT WANT [WHAT]
  if [[ $1 != "$2" ]]; then fail "${3:-value}: got '$1', want '$2'"; fi
}

expect_out() { # WHOLE STDOUT, of what expect_exit ran
  expect_equal "$(<"$out")" "$1" stdout
}

expect_grep() { # PATTERN FILE
  if ! grep -qE -- "$1" "$2"; then fail "nothing like '$1' in ${2##*/}: $(tail -n 20 "$2")"; fi
}

expect_no_grep() { # PATTERN FILE
  if grep -qE -- "$1" "$2"; then fail "found '$1' in ${2##*/}: $(grep -E -m 3 -- "$1" "$2")"; fi
}

# Prometheus' own tool has nothing to say of these metrics, not even a hint.
expect_sound_metrics() { # FILE
  promtool check metrics <"$1" >"$tmp/promtool.log" 2>&1 || fail "promtool: $(<"$tmp/promtool.log")"
  [[ ! -s $tmp/promtool.log ]] || fail "promtool: $(<"$tmp/promtool.log")"
}

# podpilot failed for the reason SLUG, in one line that names the thing and what to do.
expect_error() { # SLUG NAMED COMMAND...
  local slug=$1 named=$2
  shift 2
  expect_exit 125 "$@"
  expect_equal "$(wc -l <"$err")" 1 "lines on stderr ($(<"$err"))"
  expect_grep "^podpilot [a-z]+: .*\\($slug\\): .+" "$err"
  if [[ $(<"$err") != *"$named"* ]]; then fail "the error does not name '$named': $(<"$err")"; fi
}

wait_for() { # SECONDS COMMAND...: until it succeeds
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    if ((SECONDS >= end)); then fail "waited in vain for: $*"; fi
    sleep 0.1
  done
}

expect_whole_cache() {
  expect_exit 0 podpilot cache verify --json --cache "$cache"
  expect_equal "$(jq -c .damaged "$out")" '[]' "damaged layers"
}

# Processes of this test: podpilots, whose arguments may be hidden, by their program; payloads by a
# path of the test in their arguments.
processes() {
  find /proc -maxdepth 2 -path '/proc/[1-9]*/exe' -lname "$program*" 2>/dev/null | cut -d/ -f3
  pgrep -f -- "$tmp/(cache|spool|work)" || true
}
no_processes() { [[ -z $(processes) ]]; }

# All of a container at once, as a node's end would: no supervisor gets to clean up after its pilot.
kill_container() { # PID of its first process
  # shellcheck disable=SC2046  # a list
  kill -STOP $(pgrep --ns "$1" --nslist pid)
  kill -KILL "$1"
}

# --- registry -------------------------------------------------------------------------------------

registry=
push_options=()
# Sets `registry`. With htpasswd or token, user "flyer" with the password in $tmp/password may pull,
# by $tmp/config.json; with tls, its certificate is $tmp/tls.pem.
start_registry() { # [htpasswd|token|tls]
  case ${1:-} in
    htpasswd | token)
      head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$tmp/password"
      push_options=(--dest-creds "flyer:$(<"$tmp/password")")
      ;;
  esac
  case ${1:-} in
    '') registry_start "$tmp/registry" ;;
    htpasswd)
      htpasswd -Bbn flyer "$(<"$tmp/password")" >"$tmp/htpasswd"
      REGISTRY_AUTH=htpasswd REGISTRY_AUTH_HTPASSWD_REALM=test \
        REGISTRY_AUTH_HTPASSWD_PATH=$tmp/htpasswd registry_start "$tmp/registry"
      ;;
    token)
      make_certificate "$tmp/token"
      start_fake token_server.py "$tmp/token.key" "$tmp/token.pem" flyer "$tmp/password"
      REGISTRY_AUTH=token REGISTRY_AUTH_TOKEN_REALM=http://$fake/token \
        REGISTRY_AUTH_TOKEN_SERVICE=test REGISTRY_AUTH_TOKEN_ISSUER=test \
        REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE=$tmp/token.pem registry_start "$tmp/registry"
      ;;
    tls)
      make_certificate "$tmp/tls"
      REGISTRY_HTTP_TLS_CERTIFICATE=$tmp/tls.pem REGISTRY_HTTP_TLS_KEY=$tmp/tls.key \
        registry_start "$tmp/registry"
      ;;
  esac
  registry=$registry_host
  if [[ -e $tmp/password ]]; then
    jq -n --arg registry "$registry" --arg auth "$(printf 'flyer:%s' "$(<"$tmp/password")" | base64 -w 0)" \
      '{auths: {($registry): {auth: $auth}}}' >"$tmp/config.json"
    chmod 600 "$tmp/config.json"
    give_user "$tmp/config.json"
  fi
}

make_certificate() { # PATH-without-.pem-and-.key [NAMES]
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.pem" -days 2 \
    -subj /CN=localhost -addext "subjectAltName=${2:-DNS:localhost,IP:127.0.0.1}" 2>"$1.openssl"
}

push() { # LAYOUT REPO:TAG [docker]
  push_image "$1" "$registry/$2" "${@:3}" "${push_options[@]}"
}

# A server in test/fakes, which prints the address it listens on. Sets `fake`.
start_fake() { # PROGRAM ARGUMENT...
  local program=$1 log
  log=$tmp/${program%.py}.log
  : >"$log"
  python3 "$PODPILOT_SOURCE/test/fakes/$program" "${@:2}" >"$log" 2>&1 &
  wait_for 10 grep -q '^listening on ' "$log"
  fake=$(sed -n 's/^listening on //p' "$log")
}

# Puts test/fakes/faulty_proxy.py before the registry, under whose address `registry` is from now
# on; a line in $tmp/faults says what goes wrong, $tmp/requests what was asked for.
start_proxy() {
  : >"$tmp/faults"
  : >"$tmp/requests"
  start_fake faulty_proxy.py "$registry" "$tmp/faults" "$tmp/requests"
  registry=$fake
}

# --- spool ----------------------------------------------------------------------------------------

submit() { # JSON -> the job's id
  podpilot submit "$spool" - <<<"$1"
}

pilots=0
start_pilot() { # [OPTION...]: sets `pilot`, its pid; log in $tmp/pilot-N.log
  pilots=$((pilots + 1))
  "${podpilot[@]}" pilot --scheduler "spool:$spool" --cache "$cache" --scratch "$cache/scratch" \
    "$@" >"$tmp/pilot-$pilots.log" 2>&1 &
  pilot=$!
}

drain() { # [OPTION...]: a pilot, until all is done
  start_pilot --drain "$@"
  wait "$pilot" || fail "the pilot ended with $?"
}

job_field() { # ID JQ-FILTER
  podpilot queue "$spool" --json "$1" | jq -r "$2"
}

job_is() { # ID STATE
  [[ $(job_field "$1" .state) == "$2" ]]
}
