# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing after test/integration/lib.sh. kustomize, the types of Kubernetes' API and podman, of a newer
# Debian than the one that the tests run on, in a root of their own that is kept outside the source tree.

# shellcheck source=scripts/lib/mirror.sh
. "$PODPILOT_SOURCE/scripts/lib/mirror.sh"
# shellcheck source=scripts/lib/own_root.sh
. "$PODPILOT_SOURCE/scripts/lib/own_root.sh"
needs root mmdebstrap unshare nsenter

# A mirror may be a snapshot, whose lists have expired.
make_kube_root() { # FOLDER
  local mirror
  mirror=$(mirror)
  mmdebstrap --quiet --variant=essential --format=directory \
    --include=podman,crun,netavark,catatonit,kustomize,python3-kubernetes,mount,ca-certificates \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' \
    trixie "$1" ${mirror:+"$mirror"}
}

# Begins a mount and a pid namespace with that root, in which in_kube_root runs commands; all that they
# leave behind ends with the test. $tmp is /test there, and the manifests are in /kubernetes.
start_kube_root() {
  local root=$tmp/kube
  from_cache kube-root make_kube_root
  mkdir -p "$root"/{root,upper,work} "$tmp/containers"
  mkfifo "$root/ready"
  # shellcheck disable=SC2016  # expanded inside
  unshare --mount --pid --fork --kill-child bash -c '
    set -e
    lower=$1 test=$2 manifests=$3 root=$2/kube/root
    mount -t overlay -o "lowerdir=$lower,upperdir=$2/kube/upper,workdir=$2/kube/work" overlay "$root"
    mount_system "$root"
    # crun gives the stdio of a pod with a user namespace, which is this one, to that.
    mknod -m 666 "$root/run/null" c 1 3
    mount --bind "$root/run/null" "$root/dev/null"
    mkdir -p "$root"/{test,kubernetes,var/lib/containers}
    mount --bind "$test" "$root/test"
    mount --bind "$test/containers" "$root/var/lib/containers"
    mount --rbind -o ro "$manifests" "$root/kubernetes"
    enter_root "$root"
    echo ready >/test/kube/ready
    exec sleep infinity' bash "$cached" "$tmp" "$PODPILOT_SOURCE/scripts/kubernetes" </dev/null &
  kube_root=$!
  read -r _ <"$root/ready"
  kube_root=$(<"/proc/$kube_root/task/$kube_root/children")
  kube_root=${kube_root// /}
}

in_kube_root() { # COMMAND...
  nsenter --target "$kube_root" --mount --pid --root env -i -C / HOME=/root LC_ALL=C.UTF-8 \
    PODMAN_IGNORE_CGROUPSV1_WARNING=1 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# --- the network ----------------------------------------------------------------------------------

# Runs the calling script once more, in a network of its own: the pods' port is taken by nobody else.
# What has to be fetched is fetched before, also by COMMAND.
in_own_network() { # SCRIPT [COMMAND...]
  if [[ -z ${PODPILOT_OWN_NETWORK:-} ]]; then
    from_cache kube-root make_kube_root
    "${@:2}"
    rm -rf "$tmp" # exec leaves no EXIT to do it
    PODPILOT_OWN_NETWORK=1 exec unshare --net bash "$1"
  fi
  ip link set lo up
}

# --- images ---------------------------------------------------------------------------------------

# one:1, two:1 and three:1 in the registry, with their names in /opt/name.
three_images() {
  local name
  busybox_layer
  for name in one two three; do
    mkdir -p "$tmp/layer-$name/opt"
    echo "$name" >"$tmp/layer-$name/opt/name"
    make_image "$tmp/image-$name" gzip "$cached" "$tmp/layer-$name" -- --config.env PATH=/bin
    push "$tmp/image-$name" "$name:1"
  done
}

# As the Dockerfile makes it, of the program that is there.
make_pilot_image() {
  "$PODPILOT_SOURCE/scripts/pilot-root" "$tmp/pilot-root"
  install -m 0111 "$PODPILOT" "$tmp/pilot-root/podpilot"
  tar --create --directory "$tmp/pilot-root" . |
    in_kube_root podman import --change 'ENTRYPOINT ["/podpilot"]' - localhost/podpilot:test >"$tmp/import.log" 2>&1
}

# --- pods -----------------------------------------------------------------------------------------

# The claim podpilot-spool, bound to $spool.
make_spool_volume() {
  in_kube_root podman volume create --opt type=none --opt device=/test/spool --opt o=bind podpilot-spool \
    >"$tmp/volume.log" 2>&1
}

# Sets variables of a site's pilots.
patch_pilot() { # SITE NAME=VALUE...
  local variable
  {
    echo 'patches:'
    echo '  - target: {labelSelector: app.kubernetes.io/component=pilot}'
    echo '    patch: |-'
    echo '      {apiVersion: any, kind: any, metadata: {name: any}, spec: {template: {spec: {containers: [{name: pilot, env: ['
    for variable in "${@:2}"; do
      printf '        {name: %s, value: "%s"},\n' "${variable%%=*}" "${variable#*=}"
    done
    echo '      ]}]}}}}'
  } >>"$1/kustomization.yaml"
}

# Of a pod with hostUsers: false, as it is seen outside.
readonly pod_root_id=1000000

# NODE is how the node's runtime is set: containerd_2, with its seccomp profile where a pod says RuntimeDefault,
# or unconfined, which to Kubernetes is a pod that names none.
play() { # SITE NODE
  local profile=unconfined
  if [[ $2 != unconfined ]]; then
    profile=/test/seccomp.json
    jq .linux.seccomp "$PODPILOT_SOURCE/test/pods/spec/seccomp_$2.json" >"$tmp/seccomp.json"
  fi
  cat >"$tmp/containers.conf" <<END
[containers]
cgroups = "disabled"
seccomp_profile = "$profile"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
END
  # A kubelet gives a user namespace 65536 ids, and volumes' files the owners that they have outside; the
  # files of secrets to the pod's fsGroup; and makes subPaths of the volume "pod", an emptyDir, with the mode
  # that this has.
  # shellcheck disable=SC2016  # for the inner shell
  in_kube_root sh -ec 'mkdir -p /etc/containers && cp /test/containers.conf /etc/containers/
    kustomize build "$1" >/test/play.yaml
    group=$(sed -n "s/^ *fsGroup: //p" /test/play.yaml)
    users=
    if grep -q "hostUsers: false" /test/play.yaml; then
      echo "containers:$2:65536" | tee /etc/subuid >/etc/subgid
      users=--userns=auto:size=65536
      group=$2
    fi
    podman kube play --network host $users --start=false /test/play.yaml
    for secret in $(sed -n "s/^ *secretName: //p" /test/play.yaml); do
      podman volume exists "$secret" || continue
      files=$(podman volume inspect --format "{{.Mountpoint}}" "$secret")
      chgrp -R "$group" "$files"
      chmod -R g+rX "$files"
    done
    for folder in $(sed -n "s/^ *subPath: //p" /test/play.yaml); do
      files=$(podman volume inspect --format "{{.Mountpoint}}" pod)
      mkdir -p "$files/$folder"
      chmod 777 "$files" "$files/$folder"
    done
    podman pod start podpilot-pod' sh "$1" "$pod_root_id" >"$tmp/play.log" 2>&1
}

pilot_exit() { # -> its exit code, once it ended; its log is $tmp/pilot.log
  in_kube_root timeout 60 podman wait podpilot-pod-pilot
  in_kube_root podman logs podpilot-pod-pilot >"$tmp/pilot.log" 2>&1
}

unplay() { # SITE
  in_kube_root sh -ec 'kustomize build "$1" | podman kube down -' sh "$1" >"$tmp/down.log" 2>&1
}
