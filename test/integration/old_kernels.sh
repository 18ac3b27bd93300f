#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: timeout 300
# podpilot where the kernel is older than this one, emulated by test/victims/old_kernel: system
# calls that are not there, lower ABIs of Landlock. What it can do without it does without; where it
# cannot, it says which kernel has it, and runs nothing.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs root userns
start_registry
busybox_image
push "$cached" busybox:1
image=docker://$registry/busybox:1
mkdir "$tmp/bind" "$tmp/mounted"
echo bound >"$tmp/bind/file"
mount -t tmpfs tmpfs "$tmp/mounted"
mounts+=("$tmp/mounted")
echo below >"$tmp/mounted/file"

old_kernel() { # WHAT COMMAND...: as the user, Landlock's ABI answered for by root
  "$PODPILOT_BUILD/test/victims/old_kernel" "$1" "${podpilot[@]}" "${@:2}"
}

works() { # WHAT
  local fresh
  fresh=$(mktemp -d "$tmp/work/XXXXXX")
  give_user "$fresh"
  expect_exit 0 old_kernel "$1" doctor --cache "$fresh"
  expect_exit 3 old_kernel "$1" run --quiet --cache "$fresh" --read-only --tmpfs /tmp \
    -v "$tmp/bind:/bound:ro" -v "$tmp:/tree:ro" "$image" sh -c '
      cat /bound/file /tree/mounted/file
      for file in /x /bound/x /tree/mounted/x /proc/sys/kernel/hostname /sys/kernel/x; do
        (echo >$file)
      done
      chmod 0 /dev/null
      echo written >/tmp/x && cat /tmp/x >/dev/null && ls /proc/self/fd | wc -l
      exit 3'
  expect_equal "$(grep -c 'Read-only file system' "$err")" 6 "refusals with $1 in $(<"$err")"
  expect_out "$(printf '%s\n' bound below 4)"
  echo "works: $1"
}

refused() { # WHAT KERNEL
  expect_error sandbox-unavailable "$1: ENOSYS: it needs Linux $2 or newer" \
    old_kernel "$1" run --cache "$cache" "$image" true
  expect_exit 125 old_kernel "$1" doctor --cache "$cache"
  expect_grep "$1: ENOSYS: it needs Linux $2 or newer" "$err"
  echo "refused: $1"
}

landlock=landlock_create_ruleset,landlock_add_rule,landlock_restrict_self
mounts_api=open_tree,move_mount,fsopen,fsconfig,fsmount,mount_setattr
for abi in 1 2 3 4 5 6; do works "landlock=$abi"; done
for calls in "$landlock" open_tree move_mount mount_setattr "$mounts_api" clone3 pidfd_getfd \
  close_range faccessat2 epoll_pwait2 \
  "$landlock,$mounts_api,clone3,pidfd_getfd,close_range,faccessat2,epoll_pwait2"; do
  works "$calls"
done
refused openat2 5.6
refused pidfd_open 5.3
refused pidfd_send_signal 5.1
