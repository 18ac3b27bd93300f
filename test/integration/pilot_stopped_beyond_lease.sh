#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: long
# A pilot that was stopped (a frozen node) until others had taken its job over wakes up with a
# result in its hands and publishes nothing of it.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
id=$(submit "{\"image\": \"$registry/busybox:1\", \"outputs\": [\"file\"],
  \"command\": [\"sh\", \"-c\", \"sleep 2; date +%s.%N | tee file\", \"$tmp/work\"]}")
start_pilot --drain --name frozen
frozen=$pilot
wait_for 20 pgrep -f -- "tee file.*$tmp/work" >"$tmp/pids"
kill -STOP "$frozen"

drain --name heir
expect_equal "$(job_field "$id" '"\(.state) \(.exit_code) \(.attempt) \(.pilot)"')" 'done 0 2 heir'
files() { # without what only the frozen pilot writes, and no ticket names
  find "$spool" -type f -not -path '*/attempts/1.*' -exec sha256sum {} + | sort
}
files >"$tmp/before"

kill -CONT "$frozen"
wait "$frozen" || fail "the stopped pilot ended with $?"
expect_equal "$(job_field "$id" '"\(.state) \(.exit_code) \(.attempt) \(.pilot)"')" 'done 0 2 heir'
files | diff "$tmp/before" - || fail "it published something"
expect_equal "$(<"$(job_field "$id" .stdout)")" "$(<"$(job_field "$id" .outputs)/file")"
no_processes || fail "left behind: $(processes)"
