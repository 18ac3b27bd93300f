#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What doctor says of volumes, names, certificates, clock, registry and scheduler: each as it is, and
# each broken by itself.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root unshare
start_registry htpasswd
busybox_image
push "$cached" private/tool:1

# Sets `result`, `detail` and `reason` of CHECK.
examine() { # EXIT CHECK COMMAND...
  expect_exit "$1" "${@:3}"
  IFS=$'\t' read -r result detail reason < <(jq -r --arg name "$2" '.checks[] |
    select(.name == $name) | [.result, .detail, .remedy.reason // "-"] | @tsv' "$out")
}
expect_check() { # RESULT REASON PATTERN
  expect_equal "$result $reason" "$1 $2" "$detail"
  if [[ ! $detail =~ $3 ]]; then fail "'$detail' is nothing like '$3'"; fi
}
doctor() { podpilot doctor --json --cache "$cache" "$@"; }

# --- the registry ---
image=docker://$registry/private/tool:1
examine 0 image doctor --image "$image" --registry-config "$tmp/config.json"
expect_check ok - "^$registry/private/tool:1: sha256:[0-9a-f]{64}, with credentials"
examine 1 image doctor --image "$image"
expect_check failed registry "$registry"
examine 0 registry doctor --image "$registry/"
expect_check ok - 'answers 401'
expect_equal "$(jq '[.checks[] | select(.name == "image")] | length' "$out")" 0 "image checks"
examine 0 clock doctor --image "$registry/"
expect_check ok - "the registry's"
examine 1 registry doctor --image localhost:1/tool:1
expect_check failed registry ECONNREFUSED
examine 1 resolver doctor --image nowhere.invalid/tool:1
expect_check failed resolver 'does not know the registry'
examine 1 registry doctor --image /a/folder
expect_check failed registry 'only images in a registry'

# --- the scheduler ---
submit '{"image": "example/x", "command": ["true"]}' >/dev/null
examine 0 scheduler doctor --scheduler "spool:$spool"
expect_check ok - 'a spool, writable'
mkdir -m 755 "$tmp/theirs"
examine 1 scheduler doctor --scheduler "spool:$tmp/theirs"
expect_check failed scheduler EACCES
expect_exit 125 doctor --scheduler nonsense
expect_grep 'must be spool:FOLDER' "$err"

# --- names and certificates ---
in_mounts() { # SCRIPT COMMAND...: as root in a mount namespace of its own first
  unshare --mount bash -c "set -e; $1"' shift; exec "$@"' _ _ "${@:2}"
}
: >"$tmp/empty"
doctor_with_ca() { podpilot_env SSL_CERT_FILE="$1" doctor --json --cache "$cache"; }
podpilot_env() { "${unprivileged[@]}" "${pilot_env[@]}" "$1" "$program" "${@:2}"; }
make_certificate "$tmp/one"
chmod 644 "$tmp/one.pem"
examine 0 authorities doctor_with_ca "$tmp/one.pem"
expect_check ok - "^$tmp/one.pem: 1$"
examine 1 authorities doctor_with_ca "$tmp/empty"
expect_check failed authorities 'no certificates'
examine 0 resolver in_mounts "mount --bind $tmp/empty /etc/resolv.conf;" \
  "${podpilot[@]}" doctor --json --cache "$cache"
expect_check note resolver 'names no server'

# --- the volume ---
examine 0 cache doctor
expect_check ok - 'programs run from it, user xattrs'
mkdir "$tmp/volume"
on_volume() { # MOUNT-OPTIONS
  in_mounts "mount -t tmpfs -o mode=777,$1 tmpfs $tmp/volume;" \
    "${podpilot[@]}" doctor --json --cache "$tmp/volume/cache" --scratch "$cache/scratch"
}
examine 1 cache on_volume noexec
expect_check failed volume EACCES
examine 1 cache on_volume ro
expect_check failed volume EROFS
examine 0 cache on_volume size=8m
expect_check note full-disk '8\.[0-9] MB|7\.[0-9] MB'
expect_exit 1 in_mounts "mount -t tmpfs -o mode=777,ro tmpfs $tmp/volume;" \
  "${podpilot[@]}" doctor --cache "$tmp/volume/cache" --scratch "$cache/scratch"
expect_grep '^failed  cache ' "$out"
expect_grep '^ +- [{]name: pod, mountPath: /pod[}]$' "$out"
if (($(wc -L <"$out") > 100)); then fail "lines of $(wc -L <"$out") columns"; fi
