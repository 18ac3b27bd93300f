#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Where the machine forbids user namespaces, every command that needs one says so in a line with
# what to do, and runs nothing.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
image=docker://$registry/busybox:1
submit "{\"image\": \"$image\", \"command\": [\"true\"]}" >"$tmp/id"

refused() { # REMEDY WRAPPER...: podpilot under WRAPPER
  local remedy=$1
  shift
  expect_error sandbox-unavailable "new namespaces" "$@" "$program" run --cache "$cache" "$image" true
  expect_grep 'podpilot doctor' "$err"
  expect_exit 125 "$@" "$program" pilot --scheduler "spool:$spool" --cache "$cache" --drain
  expect_grep '\(sandbox-unavailable\)' "$err"
  expect_exit 1 "$@" "$program" doctor --cache "$cache"
  expect_grep "$remedy" "$out"
  expect_equal "$(job_field "$(<"$tmp/id")" .state)" queued "the job's state"
}
# As a container runtime's seccomp profile does it.
user=("${unprivileged[@]}" "${pilot_env[@]}")
refused 'seccompProfile' "${user[@]}" "$PODPILOT_BUILD/test/victims/no_userns"
# As the sysctl does it: in a user namespace, because there an ordinary user may set it.
# shellcheck disable=SC2016
refused 'user.max_user_namespaces' "${user[@]}" unshare --user --map-root-user sh -c \
  'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh
