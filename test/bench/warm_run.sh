#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a warm start costs from outside: `podpilot run IMAGE true`, 200 times in a row, beside bwrap
# with the same namespaces and mounts on the unpacked root, in turns, on an ext4 of its own (with a
# journal, as nodes have it) and on tmpfs. Prints, asserts nothing. Run it as root: it mounts.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh" || exit
needs userns root bwrap
rounds=${1:-200}
start_registry
busybox_image
push "$cached" busybox:1
image=docker://$registry/busybox:1

# Removed by lib.sh with the rest of $tmp, once it is not mounted any more.
mkdir "$tmp/disk"
truncate -s 2G "$tmp/disk.img"
mkfs.ext4 -q "$tmp/disk.img"
mount -o loop,noatime "$tmp/disk.img" "$tmp/disk"
mounts+=("$tmp/disk")

# In turns of ten, so that what else the machine does meets both alike.
turns() { # COMMAND... -- COMMAND...: nanoseconds of all rounds of each
  local -a first=() second
  local -i a=0 b=0 start i j
  while [[ $1 != -- ]]; do
    first+=("$1")
    shift
  done
  second=("${@:2}")
  for ((i = 0; i < rounds; i += 10)); do
    start=$(date +%s%N)
    for ((j = 0; j < 10; j++)); do "${first[@]}"; done
    a+=$(($(date +%s%N) - start))
    start=$(date +%s%N)
    for ((j = 0; j < 10; j++)); do "${second[@]}"; done
    b+=$(($(date +%s%N) - start))
  done
  echo "$a $b"
}
export -f turns
export rounds

shared=$(mktemp -d -p /dev/shm)
for place in "$tmp/disk" "$shared"; do
  chmod 755 "$place"
  mkdir "$place/cache" "$place/root"
  layer=$(run --print-plan "$image" true | grep -o ' layer [^ ]*/layers/[^ ]*' | head -n 1)
  cp -a "${layer# layer }/." "$place/root/"
  mkdir -p "$place"/root/{proc,sys,dev,etc}
  touch "$place"/root/etc/{resolv.conf,hosts,hostname}
  give_user "$place" "$place/cache" "$place/root" "$place"/root/etc/*
  podpilot pull -q --cache "$place/cache" "$image" >/dev/null
  ours=("$program" run --cache "$place/cache" "$image" true)
  theirs=(bwrap --unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup --uid 0
    --gid 0 --bind "$place/root" / --proc /proc --dev /dev --ro-bind /sys /sys
    --tmpfs /dev/shm --mqueue /dev/mqueue --ro-bind /etc/resolv.conf /etc/resolv.conf
    --ro-bind /etc/hosts /etc/hosts --ro-bind /etc/hostname /etc/hostname --chdir /)
  # What podpilot covers and freezes in /proc and /sys, as far as this kernel has it.
  for covered in /proc/acpi /proc/scsi /sys/firmware; do
    if [[ -d $covered ]]; then theirs+=(--tmpfs "$covered"); fi
  done
  for covered in /proc/kcore /proc/keys /proc/latency_stats /proc/sched_debug /proc/timer_list; do
    if [[ -e $covered ]]; then theirs+=(--ro-bind /dev/null "$covered"); fi
  done
  for frozen in /proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger; do
    if [[ -e $frozen ]]; then theirs+=(--ro-bind "$frozen" "$frozen"); fi
  done
  theirs+=(true)
  for turn in 1 2; do
    # shellcheck disable=SC2016  # for the inner shell
    read -r a b < <(as_user bash -c 'turns "$@"' _ "${ours[@]}" -- "${theirs[@]}")
    echo "$(stat -f -c %T "$place") turn $turn: podpilot $((a / rounds / 1000)) us," \
      "bwrap $((b / rounds / 1000)) us, ratio $((100 * a / b))%"
  done
done
rm -rf "$shared"
