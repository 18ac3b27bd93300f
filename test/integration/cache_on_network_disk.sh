#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# On a filesystem whose locks may not hold between nodes, of which FUSE is one, the cache is
# read-only: a pull, gc and verify --remove are refused in a line that names the remedy, and nothing
# is written. Whoever knows better fills it with --trust-cache-locks; what is in it then runs for
# all. So does what is on a volume that is mounted read-only.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root bindfs
[[ -c /dev/fuse ]] || skip "needs /dev/fuse"
start_registry
busybox_image
push "$cached" tool:1
push "$cached" other:1
image=docker://$registry/tool:1
mkdir "$tmp/fuse"
bindfs -o allow_other "$cache" "$tmp/fuse" 2>"$tmp/bindfs.log" || skip "no FUSE: $(<"$tmp/bindfs.log")"
mounts+=("$tmp/fuse")
far=(--cache "$tmp/fuse")
scratch=(--scratch "$tmp/work/scratch")

expect_exit 0 podpilot pull --cache "$cache" --quiet "$registry/other:1" # made by another node
before=$(find "$cache/v1" ! -path '*/locks/*' -printf '%p %s %T@\n' | sort)
expect_error site-denied 'is on fuse' podpilot pull "${far[@]}" "$image"
expect_grep --trust-cache-locks "$err"
expect_error site-denied --trust-cache-locks podpilot run "${far[@]}" "${scratch[@]}" "$image" true
expect_error site-denied --trust-cache-locks podpilot cache gc --size 0 "${far[@]}"
expect_error site-denied --trust-cache-locks podpilot cache verify --remove "${far[@]}"
expect_exit 0 podpilot cache verify "${far[@]}"
expect_exit 1 podpilot doctor "${far[@]}" "${scratch[@]}"
expect_grep 'cache .*--trust-cache-locks' <(tr -s ' \n' ' ' <"$out")
expect_equal "$(find "$cache/v1" ! -path '*/locks/*' -printf '%p %s %T@\n' | sort)" "$before" 'the cache'

expect_exit 0 podpilot run "${far[@]}" --trust-cache-locks "${scratch[@]}" --quiet "$image" echo pulled
expect_out pulled
expect_exit 0 podpilot run "${far[@]}" "${scratch[@]}" "$image" echo there
expect_out there
id=$(submit "{\"image\": \"$image\", \"args\": [\"echo\", \"a job\"]}")
expect_exit 0 podpilot pilot --drain --scheduler "spool:$spool" "${far[@]}" "${scratch[@]}"
expect_equal "$(job_field "$id" '"\(.state) \(.exit_code)"')" 'done 0'

mkdir "$tmp/ro"
mount --bind "$cache" "$tmp/ro" && mounts+=("$tmp/ro")
mount -o remount,bind,ro "$tmp/ro"
expect_exit 0 podpilot run --cache "$tmp/ro" "${scratch[@]}" "$image" echo read-only
expect_out read-only
expect_error site-denied 'is mounted read-only' podpilot run --cache "$tmp/ro" "${scratch[@]}" \
  "$registry/nothing:1" true

expect_exit 0 podpilot cache gc --size 0 --trust-cache-locks "${far[@]}"
expect_equal "$(find "$cache/v1" -mindepth 2 -printf '%P ')" '' 'left after gc'
