#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# How long does a warm `podpilot run IMAGE true` take, start to end? N in a row, beside as many of
# bwrap with the same namespaces and mounts on the unpacked root, on an ext4 of its own with a
# journal (without one, ext4 is slow after deletions) and on tmpfs. Prints figures, asserts nothing.
#
#   bash test/bench/warm_run.sh [N [ROUNDS]]      default: 200 in a row, 3 rounds
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh" || exit
needs userns root bwrap mkfs.ext4
count=${1:-200}
rounds=${2:-3}

start_registry
busybox_image
push "$cached" busybox:1
image=docker://$registry/busybox:1

# Milliseconds for each of `count`: wall, and CPU of it and all it started.
measure() { # COMMAND...
  "${unprivileged[@]}" "${pilot_env[@]}" bash -c '
    count=$1; shift
    TIMEFORMAT="%R %U %S"
    time for ((i = 0; i < count; ++i)); do "$@" >/dev/null || exit; done' bash "$count" "$@" 2>&1 |
    awk -v n="$count" '{ printf "%.2f %.2f\n", $1 / n * 1000, ($2 + $3) / n * 1000 }'
}

on_filesystem() { # NAME FOLDER
  local round us them fastest_us='' fastest_them=''
  install -d -o 1000 -g 1000 "$2/cache" "$2/root"
  busybox_layer
  as_user tar -C "$2/root" -x <"$cached"
  podpilot run --cache "$2/cache" "$image" true
  for ((round = 1; round <= rounds; ++round)); do
    us=$(measure "$program" run --cache "$2/cache" "$image" true)
    them=$(measure bwrap --unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup \
      --uid 0 --gid 0 --bind "$2/root" / --proc /proc --dev /dev --tmpfs /dev/shm \
      --mqueue /dev/mqueue --new-session --die-with-parent --clearenv --setenv PATH /bin true)
    printf '%-6s round %d   podpilot %s   bwrap %s   (ms wall, ms CPU)\n' "$1" "$round" "$us" "$them"
    fastest_us=$(printf '%s\n' "$us" ${fastest_us:+"$fastest_us"} | sort -n | head -n 1)
    fastest_them=$(printf '%s\n' "$them" ${fastest_them:+"$fastest_them"} | sort -n | head -n 1)
  done
  printf '%-6s best      podpilot %s   bwrap %s   ratio of wall times %s\n' "$1" "$fastest_us" \
    "$fastest_them" "$(awk -v a="${fastest_us% *}" -v b="${fastest_them% *}" 'BEGIN { printf "%.2f", a / b }')"
}

mkdir "$tmp/ext4" "$tmp/tmpfs"
truncate -s 300M "$tmp/ext4.image"
mkfs.ext4 -q -O has_journal "$tmp/ext4.image"
mount -o loop,noatime "$tmp/ext4.image" "$tmp/ext4"
mounts+=("$tmp/ext4")
mount -t tmpfs -o size=300m podpilot-bench "$tmp/tmpfs"
mounts+=("$tmp/tmpfs")
printf '%d in a row, best of %d rounds; load %s\n' "$count" "$rounds" "$(cut -d' ' -f1-3 /proc/loadavg)"
on_filesystem ext4 "$tmp/ext4"
on_filesystem tmpfs "$tmp/tmpfs"
