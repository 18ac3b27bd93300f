#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: long
# ctest: timeout 900
# During a rolling update builds with other numbers of cache and spool format work side by side in
# the same folders: each leaves alone what is the other's, and who meets a newer one says so.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
next_build=$PODPILOT_SOURCE/build/format-2
cmake -S "$PODPILOT_SOURCE" -B "$next_build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DPODPILOT_TESTS=OFF \
  -DCMAKE_CXX_FLAGS='-DPODPILOT_STORE_FORMAT=2 -DPODPILOT_SPOOL_FORMAT=2' >"$tmp/build.log"
cmake --build "$next_build" --target podpilot >>"$tmp/build.log"
mkdir "$tmp/next"
next=("${unprivileged[@]}" "${pilot_env[@]}" "$(reachable_program "$next_build/podpilot" "$tmp/next")")
next() { "${next[@]}" "$@"; }
start_registry
busybox_image
push "$cached" busybox:1
image=docker://$registry/busybox:1

expect_exit 0 run "$image" echo this
expect_exit 0 next run --cache "$cache" --pull missing "$image" echo next
expect_out next
expect_equal "$(cd "$cache" && echo v*)" 'v1 v2' "folders of the cache"
this_id=$(submit "{\"image\": \"$image\", \"command\": [\"sh\", \"-c\", \"sleep 1; echo this\"]}")
next_id=$(next submit "$spool" - <<<"{\"image\": \"$image\", \"command\": [\"sh\", \"-c\", \"sleep 1; echo next\"]}")
next pilot --scheduler "spool:$spool" --cache "$cache" --scratch "$cache/scratch" --drain \
  >"$tmp/next.log" 2>&1 &
drain
wait $! || fail "the next version's pilot ended with $?"

expect_exit 0 podpilot queue "$spool" --json
expect_equal "$(jq -r '"\(.id) \(.state) \(.exit_code)"' "$out")" "$this_id done 0"
expect_grep 'newer' "$err"
expect_exit 0 next queue "$spool" --json
expect_equal "$(jq -r '"\(.id) \(.state) \(.exit_code)"' "$out")" "$next_id done 0"
expect_equal "$(<"$err")" '' "the newer one's remarks"
expect_exit 0 next cache gc --size 0 --cache "$cache"
expect_exit 0 run --pull never "$image" true
expect_whole_cache
expect_exit 0 next cache verify --cache "$cache"
