# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing. A folder with a Debian in it as the root of a mount and a pid namespace, by pivot_root: in a
# chroot there are no user namespaces. Exported, for the bash that is the namespaces' first process.

mount_system() { # ROOT, a mount
  mount --rbind /dev "$1/dev"
  mount --rbind /sys "$1/sys"
  # crun refuses a mixture of both versions; without any it does without.
  mount -t tmpfs tmpfs "$1/sys/fs/cgroup"
  mount -t proc proc "$1/proc"
  mount -t tmpfs tmpfs "$1/tmp"
  mount -t tmpfs tmpfs "$1/run"
}

enter_root() { # ROOT, a mount
  cd "$1" || return
  mkdir -p .old
  pivot_root . .old
  cd /
  umount --lazy /.old
}

export -f mount_system enter_root
