# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing, after lib.sh. A pull over a link of 100 Mbit/s and 20 ms there and back, beside curl
# that fetches the same blobs one after the other and throws them away.

# shellcheck disable=SC2154  # lib.sh sets program and unprivileged
link_rate=100000000 # bits a second

# Sets `link` and `far_end`, a process in the network namespace at the far end; the near end is
# 10.201.77.1. Both end with the script, and the namespace with them.
start_link() {
  unshare --net sleep infinity &
  far_end=$!
  python3 "$PODPILOT_SOURCE/test/bench/images/link.py" --rate "$link_rate" --delay 0.010 \
    "near$$" "far$$" "$far_end" >"$tmp/link.log" 2>&1 &
  link=$!
  wait_for 10 grep -q ready "$tmp/link.log"
  ip address add 10.201.77.1/32 peer 10.201.77.2 dev "near$$"
  ip link set "near$$" up
  at_far_end ip address add 10.201.77.2/32 peer 10.201.77.1 dev "far$$"
  at_far_end ip link set "far$$" up
  at_far_end ip link set lo up
}

at_far_end() { nsenter --net --target "$far_end" "$@"; }

answered() { (($(wc -l <"$tmp/link.log") > $1)); } # LINES BEFORE

carried() { # bytes to the far end so far
  local lines
  lines=$(wc -l <"$tmp/link.log")
  kill -USR1 "$link"
  wait_for 5 answered "$lines"
  tail -n 1 "$tmp/link.log"
}

link_row() { # NAME COMMAND...
  local name=$1 before after start took
  shift
  before=$(carried)
  start=$(date +%s%N)
  at_far_end "${unprivileged[@]}" "$@" >"$tmp/link-row.log" 2>&1 || { cat "$tmp/link-row.log" && return 1; }
  took=$(($(date +%s%N) - start))
  after=$(carried)
  awk -v name="$name" -v bytes=$((after - before)) -v ns="$took" -v rate="$link_rate" 'BEGIN {
    printf "| %s | %.2f | %.0f | %.1f %% |\n", name, ns / 1e9, bytes / 1e6, 800 * bytes / (ns / 1e9) / rate }'
}

# A registry that serves FOLDER has to listen on the near end.
link_table() { # STORAGE REPOSITORY MANIFEST CACHE ROUNDS
  local storage=$1 repository=$2 manifest=$3 cache=$4 rounds=$5 digest urls=() i
  start_link
  REGISTRY_HTTP_ADDR=10.201.77.1:0 REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=$storage \
    registry_start "$tmp/registry-link"
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$registry_host" >"$tmp/link.conf"
  chmod 644 "$tmp/link.conf"
  for digest in $(jq -r '.config.digest, .layers[].digest' "$manifest"); do
    urls+=(-o /dev/null "http://$registry_host/v2/$repository/blobs/$digest")
  done
  printf '| 100 Mbit/s, 20 ms | s | MB on the link | of its rate |\n|---|---|---|---|\n'
  for ((i = 0; i < rounds; i++)); do
    rm -rf "$cache"
    mkdir "$cache"
    give_user "$cache"
    link_row podpilot "$program" pull -q --cache "$cache" --registries-conf "$tmp/link.conf" \
      "docker://$registry_host/$repository:1"
    link_row curl curl -sSf "${urls[@]}"
  done
  registry_stop
}
