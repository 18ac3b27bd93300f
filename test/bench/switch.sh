#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What it costs a pod without namespaces and mounts to change images of about 10,000 files: a pilot
# in it runs jobs of one image, then of two in turns, on an ext4 of its own with a journal, as nodes
# have it. For each job: from its image and inputs being there to the payload's execve; what making
# the tree beside the job before it took, and the look at it in between. Prints, asserts nothing.
# shellcheck source=test/integration/lib_pod.sh
. "$(dirname "$0")/../integration/lib_pod.sh" || exit
needs /usr/bin/python3
seconds=${1:-3} # that a job takes
start_registry
busybox_layer

truncate -s 2G "$tmp/disk.img"
mkfs.ext4 -q "$tmp/disk.img"
mount -o loop,noatime "$tmp/disk.img" "$pod/pod"
mounts+=("$pod/pod")
chmod 777 "$pod/pod"
install -d -m 700 -o 1000 -g 1000 "$pod/spool"
spool=$pod/spool

for name in one two; do
  /usr/bin/python3 - "$tmp/$name" <<'END'
import os, sys
# As in a Debian image: ten files a folder, one link in ten, most files a few kB, some of them in /etc.
for i in range(900):
    folder = f"{sys.argv[1]}/" + (f"etc/{i}" if i % 20 == 0 else f"usr/share/{i % 40}/package-{i}")
    os.makedirs(folder)
    for j in range(10):
        with open(f"{folder}/file{j}", "wb") as file:
            file.write(sys.argv[1].encode() * (50 * (1 + (i * 7 + j * 13) % 20)))
    os.symlink("file0", f"{folder}/link")
END
  make_image "$tmp/$name.image" zstd "$cached" "$tmp/$name" -- --config.env PATH=/bin
  push "$tmp/$name.image" "$name:1"
  in_pod_podpilot pull -q --cache /pod/cache "docker://$registry/$name:1" >/dev/null
done

ids=()
for name in one one one one two one two one; do
  ids+=("$(submit "$(jq -n --arg image "docker://$registry/$name:1" --arg seconds "$seconds" \
    '{name: $image, image: $image, args: ["sleep", $seconds]}')")")
done
in_pod_podpilot pilot --scheduler spool:/spool --cache /pod/cache --sandbox transplant --drain \
  --log-level debug --log-format json 2>"$tmp/pilot.log"
for id in "${ids[@]}"; do
  job_field "$id" '"\(.name | split("/")[-1]) start \(.times.start * 1000) ms  exit \(.exit_code)"'
done
jq -r 'select(.took_ms) | "\(.event): \(.took_ms) ms"' \
  "$tmp/pilot.log"
