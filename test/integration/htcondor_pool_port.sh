#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Of two pools that start on one port at once one comes up; the other says whose fault it is.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs root
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"

both() { # COMMAND: of both pools; exit codes in $codes
  local name pids=()
  codes=()
  for name in a b; do
    POOL_HOME=$tmp/$name pool "$1" 2>"$tmp/$name.err" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do
    wait "$pid" && codes+=(0) || codes+=($?)
  done
}

both up
up=("${codes[@]}")
both_said=$(cat "$tmp"/[ab].err)
both down
expect_equal "$(printf '%s\n' "${up[@]}" | sort | xargs)" "0 1" "exit codes"
expect_equal "$(grep -c "up: HTCondor of .* on 127.0.0.1:$POOL_PORT" <<<"$both_said")" 1 "pools that came up"
expect_equal "$(grep -c "error: port $POOL_PORT is in use" <<<"$both_said")" 1 "pools that name the port"
