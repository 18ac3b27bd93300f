#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Called as apptainer with a job's own credentials: they are used, and neither they nor what they
# gave access to are left to other jobs.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns htpasswd
start_registry htpasswd
busybox_image
push "$cached" busybox:1
image=docker://$registry/busybox:1
ln -s "$program" "$tmp/apptainer"
mkdir "$tmp"/work/{mine,other}
give_user "$tmp"/work/{mine,other}

as_job() { # FOLDER VARIABLE... -- ARGUMENT...
  local folder=$tmp/work/$1 variables=()
  shift
  while [[ $1 != -- ]]; do
    variables+=("$1")
    shift
  done
  shift
  as_user "${pilot_env[@]}" "${variables[@]}" "$tmp/apptainer" exec -W "$folder" -B "$folder" -C "$image" "$@"
}
login=(APPTAINER_DOCKER_USERNAME=flyer APPTAINER_DOCKER_PASSWORD="$(<"$tmp/password")"
  APPTAINERENV_APPTAINER_DOCKER_PASSWORD="$(<"$tmp/password")")

expect_error image-denied "$image" as_job mine -- true
expect_exit 125 as_job mine APPTAINER_DOCKER_USERNAME=flyer APPTAINER_DOCKER_PASSWORD=wrong -- true
expect_grep '\(image-denied\)' "$err"
expect_exit 0 as_job mine "${login[@]}" -- env
expect_no_grep "$(<"$tmp/password")" "$out"

# The image is in the job's folder, not in the cache that all share.
expect_error image-denied "$image" as_job other -- true
expect_exit 0 podpilot cache ls --json
expect_out ''
expect_equal "$(find "$tmp/home" -type f -name '*.json' -o -type f -name busybox)" '' 'left in the cache'
expect_equal "$(stat -c %a "$tmp/work/mine/.podpilot/login.json")" 600

# Where there is no such folder there is no such pull.
expect_exit 125 as_user "${pilot_env[@]}" "${login[@]}" "$tmp/apptainer" exec "$image" true
expect_grep 'need --workdir' "$err"
