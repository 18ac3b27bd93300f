#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What surrounds the program: network, name of the machine, variables from files, a root that cannot
# be written, devices, binds. By hand and, where a job may say it, in the spool.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
image=docker://$registry/busybox:1

# --network: the registry on 127.0.0.1 is reached through the pod's loopback, not through another.
reach="wget -q -O - http://$registry/v2/ || exit 9"
expect_exit 0 run "$image" sh -c "$reach"
expect_exit 0 run --network host "$image" sh -c "$reach"
expect_exit 9 run --network none "$image" sh -c "$reach"
expect_grep 'refused' "$err"
expect_exit 0 run --network none "$image" sh -c \
  'tail -n +2 /proc/net/route; tail -n +3 /proc/net/dev | cut -d: -f1'
expect_equal "$(tr -d ' ' <"$out")" lo 'interfaces and routes'
expect_exit 1 run --network none "$image" nc -w 2 192.0.2.1 80
expect_grep 'unreachable' "$err"
expect_exit 0 run --network none "$image" sh -c \
  'echo answer >/tmp/file; httpd -p 127.0.0.1:80 -h /tmp; wget -q -O - http://127.0.0.1/file'
expect_out answer
expect_exit 125 run --network bridge "$image" true
expect_grep 'network "bridge": must be host or none' "$err"

# --hostname
expect_exit 0 run --hostname node-1.pool "$image" sh -c 'hostname; cat /etc/hostname; uname -n'
expect_out $'node-1.pool\nnode-1.pool\nnode-1.pool'
expect_exit 0 run --hostname node-1.pool --network none "$image" sh -c \
  'echo answer >/tmp/file; httpd -p 127.0.1.1:80 -h /tmp; wget -q -O - http://node-1.pool/file'
expect_out answer
expect_exit 0 run --hostname node-1.pool "$image" cat /etc/hosts
expect_equal "$(head -n -2 "$out")" "$(cat /etc/hosts)" "the pod's names, too"
expect_exit 0 run "$image" cat /etc/hosts
expect_equal "$(<"$out")" "$(cat /etc/hosts)" "the pod's names alone"
expect_exit 0 run "$image" hostname
expect_out "$(hostname)"
for name in -x a_b 'a b' a..b "$(printf '%065d' 0)"; do
  expect_error job-invalid hostname run --hostname="$name" "$image" true
done

# --env-file: docker's format; a later file counts over an earlier one, --env over all.
printf '\xef\xbb\xbf# comment\n\n  A= one two \nB="quoted"\r\nHOME\nC=\nNOT_SET_HERE\nD=file\nE=1\n' \
  >"$tmp/env"
echo E=2 >"$tmp/more-env"
# shellcheck disable=SC2016
expect_exit 0 run --env-file "$tmp/env" --env-file "$tmp/more-env" -e D=flag "$image" sh -c \
  'echo "$A|$B|$HOME|${C-unset}|${NOT_SET_HERE-unset}|$D|$E"'
expect_out " one two |\"quoted\"|$tmp/home||unset|flag|2"
printf 'A=1\nB C=2\n' >"$tmp/env"
expect_exit 125 run --env-file "$tmp/env" "$image" true
expect_grep 'env-file .*/env": line 2: the name "B C" holds a blank' "$err"
expect_exit 125 run --env-file "$tmp/absent" "$image" true
expect_grep 'env-file .*/absent".*ENOENT' "$err"
head -c 1100000 /dev/zero | tr '\0' x >"$tmp/env"
expect_exit 125 run --env-file "$tmp/env" "$image" true
expect_grep 'env-file' "$err"

# --read-only: as docker has it, only what the image brings.
mkdir "$tmp/work/data"
give_user "$tmp/work/data"
expect_exit 0 run --read-only --tmpfs /tmp -v "$tmp/work/data:/data" -w /made/for/it "$image" sh -ec \
  'pwd; for file in /x /bin/x /etc/hostname /made/for/it/x /var/tmp/x; do
     ! (echo >$file) 2>/dev/null; done
   for file in /tmp/x /data/x /dev/shm/x; do echo >$file; done; mkdir /y 2>&1 || true'
expect_out "/made/for/it
mkdir: can't create directory '/y': Read-only file system"
expect_exit 1 run --read-only "$image" touch /tmp/x
expect_exit 0 run "$image" touch /x /tmp/x

# --device: nodes that the sandbox does not have anyway.
usual='/dev/(null|zero|full|random|urandom|tty|ptmx|console|core|pts/.*|shm/.*|mqueue/.*)'
device=$(find /dev -regextype posix-extended \( -type c -o -type b \) -not -regex "$usual" | head -n 1)
if [[ -n $device ]]; then
  expect_exit 1 run "$image" test -e "$device"
  expect_exit 0 run --device "$device" "$image" stat -c %F:%t:%T "$device"
  expect_out "$(stat -c %F:%t:%T "$device")"
else
  echo 'this machine has no device to show: left out'
fi
expect_exit 0 run --device /dev/null "$image" sh -c 'echo >/dev/null'
expect_error job-invalid 'must be a path below /dev' run --device /etc/passwd "$image" true
expect_error job-invalid 'must be a path below /dev' run --device /dev/../etc/passwd "$image" true
expect_error job-invalid "sandbox's own" run --device /dev/shm "$image" true
expect_exit 125 run --device /dev/absent "$image" true
expect_grep '/dev/absent: .*ENOENT' "$err"

# --bind is --volume.
echo from-outside >"$tmp/work/data/file"
expect_exit 0 run --bind "$tmp/work/data:/in:ro" --bind "$tmp/work/data/file:/one/file" "$image" \
  sh -c 'cat /in/file /one/file; ! (echo >/in/file) 2>/dev/null'
expect_out $'from-outside\nfrom-outside'
expect_exit 125 run --bind relative:/in "$image" true
expect_grep 'bind "relative:/in": must be' "$err"

# The same in a job.
script='hostname; touch /x 2>/dev/null || echo read-only; touch here && echo writable; tail -n +3 /proc/net/dev | cut -d: -f1'
id=$(submit "$(jq -n --arg image "$image" --arg script "$script" '{image: $image, network: "none",
  hostname: "worker", read_only: true, command: ["sh", "-c"], args: [$script]}')")
bad=$(submit "$(jq -n --arg image "$image" '{image: $image, hostname: "-"}')")
drain
expect_equal "$(tr -d ' ' <"$(job_field "$id" .stdout)")" $'worker\nread-only\nwritable\nlo' "the job's output"
expect_equal "$(job_field "$bad" .slug)" job-invalid 'slug of a bad hostname'
