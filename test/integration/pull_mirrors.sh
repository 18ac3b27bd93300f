#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# registries.conf: an image comes from a mirror if that has it, else from where its name says; a
# blocked registry is not asked at all; by which name it came makes no difference to the cache.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
busybox_image
start_registry
origin=$registry
push "$cached" tools/both:1
push "$cached" tools/origin:1
registry_start "$tmp/mirror"
mirror=$registry_host
mirror_pid=$registry_pid
push_image "$cached" "$mirror/copies/tools/both:1"

cat >"$tmp/registries.conf" <<END
[[registry]]
location = "$origin"
[[registry.mirror]]
location = "$mirror/copies"
[[registry]]
prefix = "blocked.example"
blocked = true
END
asked() { # FOLDER: how often that registry was asked for a manifest
  grep -c 'http.request.method=GET.*manifests' "$tmp/$1/log" || true
}
with_conf() { podpilot "$1" --registries-conf "$tmp/registries.conf" "${@:2}"; }

expect_exit 0 with_conf pull --cache "$tmp/work/1" "$origin/tools/both:1"
expect_equal "$(asked registry)" 0 "questions to the origin"
[[ $(asked mirror) != 0 ]] || fail "the mirror was not asked"
expect_exit 0 podpilot run --cache "$tmp/work/1" --pull never "$origin/tools/both:1" true

# What the mirror has not, and a mirror that is gone.
expect_exit 0 with_conf run --cache "$tmp/work/2" "$origin/tools/origin:1" true
expect_grep 'a mirror does not give an image.*tools/origin' "$err"
expect_exit 125 with_conf pull --cache "$tmp/work/2" "$origin/tools/none:1"
expect_grep "$origin/tools/none:1" "$err"
kill "$mirror_pid"
wait "$mirror_pid" || true
expect_exit 0 with_conf pull --cache "$tmp/work/3" "$origin/tools/both:1"

expect_error image-denied 'registries.conf blocks blocked.example' \
  with_conf pull --cache "$tmp/work/3" blocked.example/x:1

# Where it is looked for, if nobody says; and one that is broken is no reason to go without.
mkdir -p "$tmp/home/.config/containers"
printf '[[registry]]\nlocation = "%s"\nblocked = true\n' "$origin" \
  >"$tmp/home/.config/containers/registries.conf"
give_user "$tmp/home"
expect_error image-denied 'registries.conf blocks' pull "$origin/tools/both:1"
echo '[[registry]' >"$tmp/home/.config/containers/registries.conf"
expect_error image-invalid 'registries.conf: line 1' pull "$origin/tools/both:1"
rm "$tmp/home/.config/containers/registries.conf"
mkdir "$tmp/home/.config/containers/registries.conf.d"
printf '[[registry]]\nlocation = "%s"\nblocked = true\n' "$origin" \
  >"$tmp/home/.config/containers/registries.conf.d/50-blocked.conf"
expect_error image-denied 'registries.conf blocks' pull "$origin/tools/both:1"
