#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Where a pod allows no namespace and no mount its own root shows the image: what the payload sees,
# what it can reach, and that nothing of it is left for the next job. The pod is a chroot laid out
# like podpilot's own image (links into /pod/live, /etc /var /run /tmp for everybody).
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs root unshare
start_registry
busybox_image
push "$cached" busybox:1
image=docker://$registry/busybox:1

pod=$tmp/pod
mkdir -p "$pod"/{proc,sys,dev,pod,etc,var,run,tmp,secrets}
chmod 1777 "$pod"/{etc,var,run,tmp}
for name in usr bin sbin lib lib64 opt home root srv mnt scratch work; do
  ln -s "/pod/live/$name" "$pod/$name"
done
install -m 111 "$PODPILOT" "$pod/podpilot"
echo secret >"$pod/secrets/token"
chmod 644 "$pod/secrets/token"
chmod 777 "$pod/pod"

# The first words of the command line inside choose who it is.
in_pod() { # COMMAND...
  # shellcheck disable=SC2016  # for the inner shell
  unshare --mount --pid --fork --kill-child bash -c '
    set -e
    pod=$1
    shift
    mount --bind "$pod" "$pod"
    mount -t proc proc "$pod/proc"
    mount --bind /sys "$pod/sys"
    mount -t tmpfs tmpfs "$pod/dev"
    mkdir "$pod"/dev/{shm,pts,mqueue}
    mount -t tmpfs tmpfs "$pod/dev/shm"
    mount -t mqueue mqueue "$pod/dev/mqueue"
    chmod 1777 "$pod/dev/shm" "$pod/dev/mqueue"
    for node in null zero full random urandom tty; do
      touch "$pod/dev/$node"
      mount --bind "/dev/$node" "$pod/dev/$node"
    done
    ln -s /proc/self/fd "$pod/dev/fd"
    exec "$@"' _ "$pod" "$@"
}
as_pod_user=("${unprivileged[@]}")
pilot() { in_pod chroot "$pod" /podpilot "$@"; }
user_pilot() { in_pod "${as_pod_user[@]}" env -i PATH=/none HOME=/ "$@"; }
