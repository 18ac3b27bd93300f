#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a job may write to where the pod's root shows its image: copies, and with --writable-image all
# of the image. Neither the next job nor the cache sees it.
# shellcheck source=test/integration/lib_pod.sh
. "$(dirname "$0")/lib_pod.sh" || exit
needs userns
start_registry
busybox_layer
mkdir -p "$tmp/tool/usr/bin"
printf '#!/bin/sh\necho tool\n' >"$tmp/tool/usr/bin/tool"
chmod 755 "$tmp/tool/usr/bin/tool"
cp "$tmp/tool/usr/bin/tool" "$tmp/tool/entrypoint.sh"
make_image "$tmp/tool.image" gzip "$cached" "$tmp/tool" -- --config.env PATH=/bin:/usr/bin
push "$tmp/tool.image" tool:1
image=docker://$registry/tool:1
ln -s /pod/live/entrypoint.sh "$pod/entrypoint.sh"

# At the top, in a folder of programs, in a new file, by another mode.
write='for file in /entrypoint.sh /usr/bin/tool; do
    (echo "echo changed" >>"$file") 2>/dev/null && echo "wrote $file"
  done
  (echo x >/usr/bin/new) 2>/dev/null && echo "wrote /usr/bin/new"
  rm -f /bin/true 2>/dev/null && echo "removed /bin/true"
  exit 0'
look='/entrypoint.sh; tool; ls /usr/bin; true'
everything=$'wrote /entrypoint.sh\nwrote /usr/bin/tool\nwrote /usr/bin/new\nremoved /bin/true'

fly() { # OPTION... -- COMMAND
  local options=()
  while [[ $1 != -- ]]; do
    options+=("$1")
    shift
  done
  in_pod "${as[@]}" /podpilot run -q --sandbox "$rung" --cache "/pod/cache-$rung" \
    "${options[@]}" "$image" sh -c "$2"
}

for rung in transplant transplant-setuid; do
  as=("${as_pod_user[@]}")
  if [[ $rung == transplant-setuid ]]; then as=("${enter_pod[@]}" "$pod"); fi
  rm -f "$pod/pod/root.lock"
  expect_exit 0 fly -- "$write"
  expect_out 'wrote /entrypoint.sh'
  expect_exit 0 fly --writable-image -- "$write"
  expect_out "$everything"
  expect_exit 0 fly --writable-image --read-only -- "$write"
  expect_out ''
  for option in --writable-image --quiet; do
    expect_exit 0 fly "$option" -- "$look"
    expect_out $'tool\ntool\ntool'
  done
  expect_exit 0 in_pod "${as[@]}" /podpilot cache verify --json --cache "/pod/cache-$rung"
  expect_equal "$(jq -c .damaged "$out")" '[]' "damaged layers after $rung"
done

# An overlay can be written to with or without.
expect_exit 0 run -q --writable-image --sandbox userns "$image" sh -c "$write"
expect_out "$everything"

# A pilot's jobs, the second in a tree that was prepared beside the first.
install -d -m 700 -o 1000 -g 1000 "$pod/spool"
spool=$pod/spool
for _ in 1 2; do
  submit "$(jq -n --arg image "$image" --arg command "sleep 2; $look; $write" \
    '{image: $image, command: ["sh", "-c", $command]}')"
done >"$tmp/ids"
rm -f "$pod/pod/root.lock"
expect_exit 0 in_pod_podpilot pilot --scheduler spool:/spool --cache /pod/cache-transplant \
  --sandbox transplant --writable-image --log-level debug --drain
expect_grep 'prepared image taken' "$err"
while read -r id; do
  expect_equal "$(<"$(job_field "$id" .stdout)")" $'tool\ntool\ntool\n'"$everything" "job"
done <"$tmp/ids"
