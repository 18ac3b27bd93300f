#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What flatten() costs for an image of about 10,000 files in four layers, beside cp -al and cp -a of
# the merged tree, on an ext4 of its own with a journal, as nodes have it. Prints, asserts nothing.
# Needs the target flatten_bench built. Run it as root: it mounts.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh" || exit
needs root strace /usr/bin/python3
rounds=${1:-10}
bench=$PODPILOT_BUILD/test/flatten_bench

mkdir "$tmp/disk"
truncate -s 2G "$tmp/disk.img"
mkfs.ext4 -q "$tmp/disk.img"
mount -o loop,noatime "$tmp/disk.img" "$tmp/disk"
mounts+=("$tmp/disk")
cp "$bench" "$tmp/disk/flatten_bench"
give_user "$tmp/disk"
chmod 755 "$tmp"

as_user /usr/bin/python3 - "$tmp/disk" <<'END'
import os, sys
# As in a Debian image: ten files a folder, one link in ten, most files a few kB.
for layer, folders in enumerate((600, 250, 100, 50)):
    for i in range(folders):
        folder = f"{sys.argv[1]}/{layer}/usr/share/{i % 40}/package{layer}-{i}"
        os.makedirs(folder)
        for j in range(10):
            with open(f"{folder}/file{j}", "wb") as file:
                file.write(b"x" * (500 * (1 + (i * 7 + j * 13) % 20)))
        os.symlink("file0", f"{folder}/link")
END
sync
layers=("$tmp"/disk/{0,1,2,3})
as_user "$tmp/disk/flatten_bench" "$tmp/disk" "$rounds" "${layers[@]}"

calls() { # COMMAND...: how many system calls it makes
  as_user strace -f -c -o "$tmp/disk/calls" "$@"
  awk '$NF == "total" {print $4}' "$tmp/disk/calls"
}
mkdir "$tmp/disk/once"
give_user "$tmp/disk/once"
echo "system calls, layers not known: $(calls "$tmp/disk/flatten_bench" "$tmp/disk/once" 0 "${layers[@]}")"

mkdir "$tmp/disk/merged"
give_user "$tmp/disk/merged"
for layer in "${layers[@]}"; do as_user cp -al "$layer/." "$tmp/disk/merged/"; done
for how in -al -a; do
  best=
  for ((i = 0; i < rounds; i++)); do
    start=$(date +%s%N)
    as_user cp "$how" "$tmp/disk/merged" "$tmp/disk/copy"
    took=$((($(date +%s%N) - start) / 1000))
    if [[ -z $best || $took -lt $best ]]; then best=$took; fi
    as_user rm -rf "$tmp/disk/copy"
  done
  echo "cp $how: best $((best / 1000)).$((best / 100 % 10)) ms, system calls $(calls cp "$how" "$tmp/disk/merged" "$tmp/disk/copy")"
  as_user rm -rf "$tmp/disk/copy"
done
