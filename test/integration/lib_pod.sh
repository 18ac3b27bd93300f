# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing instead of lib.sh: a pod in $pod that allows no namespace and no mount, a chroot laid out
# like podpilot's own image (links into /pod/live, /etc /var /run /tmp for everybody). NAME=VALUE in
# pod_env, an array that may be set before, is the environment inside.
# shellcheck source=test/integration/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh" || return
needs root unshare

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
# As a kubelet gives it to the container.
termination_log=$tmp/termination-log
: >"$termination_log"
chmod 666 "$termination_log"

# The first words of the command line inside choose who it is.
in_pod() { # COMMAND...
  # shellcheck disable=SC2016  # for the inner shell
  unshare --mount --pid --fork --kill-child bash -c '
    set -e
    pod=$1 termination_log=$2
    shift 2
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
    touch "$pod/dev/termination-log"
    mount --bind "$termination_log" "$pod/dev/termination-log"
    exec "$@"' _ "$pod" "$termination_log" "$@"
}
# What the capabilities of a pod with RuntimeDefault leave to podpilot, for a user or without --userspec for root.
if [[ ! -v pod_env ]]; then pod_env=(); fi
enter_pod=(env -i HOME=/ "PATH=$PATH" "${pod_env[@]}" setpriv --no-new-privs --inh-caps=-all
  "--bounding-set=-all,+sys_chroot,+setuid,+setgid,+chown,+fowner,+dac_override,+kill" chroot)
as_pod_user=("${enter_pod[@]}" --userspec 1000:1000 "$pod")
in_pod_podpilot() { # ARGUMENT...: as the user
  in_pod "${as_pod_user[@]}" /podpilot "$@"
}
