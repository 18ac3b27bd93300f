# shellcheck shell=bash disable=SC2154,SC2034  # tmp is lib.sh's, folder is for the tests
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing after lib.sh: a real pool of the suite $POOL_SUITE in $POOL_HOME, and its jobs.

POOL_HOME=$tmp/pool
POOL_TIMEOUT=120
POOL_SUITE=${POOL_SUITE:-trixie}
POOL_PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export POOL_HOME POOL_TIMEOUT POOL_SUITE POOL_PORT

pool() { "$PODPILOT_SOURCE/scripts/htcondor-pool" "$@"; }

pool_finish() {
  local status=$? name
  set +e
  if ((status != 0)); then
    for name in pool/log/SchedLog pool/log/ShadowLog startd/log/StartLog startd/log/StarterLog.slot1_1; do
      [[ ! -s $POOL_HOME/$name ]] || cp "$POOL_HOME/$name" "$tmp/${name##*/}.log"
    done
  fi
  pool down
  (exit "$status")
  finish
}
trap pool_finish EXIT

# A folder for what jobs share, and the jobs by name.
jobs=$tmp/jobs
mkdir "$jobs"
declare -A cluster=() folder=()

# A registry with an image of busybox, and a pool. Jobs of the lines in `container` run in that image.
container=()
busybox_pool() { # POOL-LINE...
  busybox_image
  start_registry
  push "$cached" busybox:1
  pool up "$@"
  container=('universe = container' "container_image = docker://$registry/busybox:1" 'request_cpus = 1'
    'request_memory = 64' 'request_disk = 10240' 'should_transfer_files = YES')
}

# Submits a job of these lines, with its log in job.log.
submit_job() { # NAME LINE...
  local name=$1
  printf '%s\n' "${@:2}" "output = $name.out" "error = $name.err" 'log = job.log' "${queue:-queue}" >"$jobs/$name.sub"
  read -r "cluster[$name]" "folder[$name]" < <(pool submit "$jobs/$name.sub")
}

has_left() { # NAME
  [[ -z $(pool run condor_q "${cluster[$1]}" -af ClusterId) ]]
}

in_history() { # NAME ATTRIBUTE...
  pool run condor_history "${cluster[$1]}" -af "${@:2}"
}

# A pilot of this pool, as an ordinary user; its pid is $pilot, its log $tmp/pilot.log.
start_condor_pilot() { # OPTION...
  (umask 077 && pool token pilot@pool ADVERTISE_STARTD READ >"$tmp/token")
  give_user "$tmp/token"
  "${podpilot[@]}" pilot --scheduler "htcondor://127.0.0.1:$POOL_PORT" --token-file "$tmp/token" \
    --cache "$cache" "$@" >"$tmp/pilot.out" 2>"$tmp/pilot.log" &
  pilot=$!
  wait_for 30 slot_shows
}

slot_shows() { # [CONSTRAINT]
  kill -0 "$pilot" 2>/dev/null || fail "the pilot ended: $(tail -n 5 "$tmp/pilot.log")"
  [[ -n $(pool run condor_status -constraint "${1:-true}" -af Name) ]]
}
