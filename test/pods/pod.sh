# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing, after test/integration/lib.sh. Pods as a kubelet has them made: an OCI runtime, a
# specification put together of the parts in spec/, the root an overlay, /pod an emptyDir on ext4,
# a network of the pod's own with a registry and a neighbour in it. Parts may hold annotations for this file:
#   podpilot.test/image                 plain: the pilot's image without the links of pilot-root
#   podpilot.test/subpaths              PARENT NAME...: PARENT/NAME of the emptyDir, bound at /NAME
#   podpilot.test/max_user_namespaces   that sysctl, in the pod's own user namespace

readonly pods_source=$PODPILOT_SOURCE/test/pods
readonly pod_registry=127.0.0.1:5000
readonly slow_port=5001 # of a registry that answers once $pod/answer is there

# Runs the calling script once more, in a mount namespace of its own with cgroup2 where runtimes
# look for it (the machine's may be version 1): what is mounted for pods ends with the script.
in_own_mounts() { # SCRIPT [ARGUMENT...]
  if [[ -z ${PODPILOT_OWN_MOUNTS:-} ]]; then
    rm -rf "$tmp" # exec leaves no EXIT to do it
    PODPILOT_OWN_MOUNTS=1 exec unshare --mount --propagation private bash "$@"
  fi
  if [[ $(stat --file-system --format=%T /sys/fs/cgroup) != cgroup2fs ]]; then
    mount -t cgroup2 none /sys/fs/cgroup
  fi
}

# A disk with a journal, as nodes have it, and on it the roots of the pilot's images.
make_node() { # runc|crun REGISTRY-STORAGE
  runtime=("$1" --root "$tmp/$1")
  # crun sets RLIMIT_MEMLOCK to load a device filter, which takes CAP_SYS_RESOURCE.
  if [[ $1 == crun ]]; then runtime+=(--cgroup-manager=disabled); fi
  pod_storage=$2
  node=$tmp/node
  pod_cgroup=podpilot-test-$$
  mkdir "$node"
  truncate -s 8G "$tmp/node.img"
  mkfs.ext4 -q "$tmp/node.img"
  mount -o loop,noatime "$tmp/node.img" "$node"
  mounts+=("$node")
  chmod 755 "$node"
  "$PODPILOT_SOURCE/scripts/pilot-root" "$node/links"
  mkdir "$node/plain"
  install -m 0111 "$PODPILOT" "$node/links/podpilot"
  install -m 0111 "$PODPILOT" "$node/plain/podpilot"
}

pod_spec() { # PART...: the runtime's specification, less what belongs to one pod
  local part files=("$pods_source/spec/base.json")
  for part in "$@"; do files+=("$pods_source/spec/$part.json"); done
  jq -s 'reduce .[] as $part ({}; . * $part)' "${files[@]}"
}

pod_says() { # JQ-FILTER: of the pod's specification
  jq -r "$1" "$pod/config.json"
}

# Sets `pod`, its folder, and pod_uid, the id of its user as the node sees it.
make_pod() { # NAME PART...
  local name=$1 root image uid parent folder folders binds=()
  shift
  pod=$node/pods/$name
  mkdir -p "$pod"/{rootfs,data,sa,shm}
  pod_spec "$@" >"$pod/config.json"
  root=$(pod_says '.linux.uidMappings[0].hostID // 0')
  uid=$(pod_says .process.user.uid)
  pod_uid=$((root + uid))

  image=$(pod_says '.annotations["podpilot.test/image"] // "links"')
  cp -a "$node/$image" "$pod/image"
  # As kubelet does it: emptyDirs and their subPaths are root's and open to all; the token can be
  # read by all unless every container of the pod has the same explicit runAsUser.
  read -r parent folders < <(pod_says '.annotations["podpilot.test/subpaths"] // ""')
  for folder in $folders; do
    mkdir -p "$pod/data/$parent/$folder"
    chmod 777 "$pod/data/$parent" "$pod/data/$parent/$folder"
    binds+=("$(jq -cn --arg from "$pod/data/$parent/$folder" --arg to "/$folder" '{
      destination: $to, type: "bind", source: $from, options: ["rbind", "rprivate", "rw"]}')")
  done
  printf 'token-of-the-pod\n' >"$pod/sa/token"
  chmod "$( ((uid == 0)) && echo 600 || echo 644)" "$pod/sa/token"
  # What others keep in the emptyDir.
  mkdir -p "$pod/data/other-job" "$pod/data/neighbour"
  printf 'of another job\n' >"$pod/data/other-job/output"
  chmod 700 "$pod/data/other-job"
  printf 'pod\n' >"$pod/hostname"
  printf '127.0.0.1 localhost\n::1 localhost\n10.11.12.13 files.pod.test\n' >"$pod/hosts"
  printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >"$pod/resolv.conf"
  chmod 777 "$pod/data"
  chmod 1777 "$pod/shm"
  chown -hR "$root:$root" "$pod"/{image,data,sa,shm,hostname,hosts,resolv.conf}

  # Where the runtime mounts over folders of the pod is decided by the order: /etc, then /etc/hosts.
  printf '%s\n' "${binds[@]}" | jq -s --slurpfile spec "$pod/config.json" --arg bundle "$pod" \
    --arg cgroup "/$pod_cgroup/$name" --arg hook "$pods_source/before_start" \
    --arg path "$PATH" '. as $binds | $spec[0] |
    .mounts = (.mounts | map(.source |= sub("@BUNDLE@"; $bundle))) |
    .mounts = ((.mounts + $binds) | sort_by(.destination | split("/") | length)) |
    .root.path = $bundle + "/rootfs" | .linux.cgroupsPath = $cgroup |
    .hooks.createRuntime = [{path: $hook, env: ["PATH=" + $path], args: ["before_start", $bundle,
      .annotations["podpilot.test/max_user_namespaces"] // ""]}]' >"$pod/spec.json"
  mv "$pod/spec.json" "$pod/config.json"
}

# As the hook asks for it, in the network that the runtime made: loopback is the pod's there.
serve_pod_registry() {
  local pid
  read -r pid <"$pod/namespaces"
  mkdir -p "$pod/registry"
  ln -sfn "$pod_storage" "$pod/registry/storage"
  # shellcheck disable=SC2016
  exec nsenter --net="/proc/$pid/ns/net" bash -c '
    . "$1/scripts/lib/registry.sh"
    registry_start "$2/registry" "${3##*:}"
    exec {said}< <(exec "$1/test/pods/neighbour.py" "$2/data/neighbour" "$2/answer" "$4")
    neighbour=$!
    trap "registry_stop; kill $neighbour; exit" TERM
    read -r <&"$said"
    echo ready >"$2/ready"
    wait "$registry_pid"' bash "$PODPILOT_SOURCE" "$pod" "$pod_registry" "$slow_port"
}

# What the runtime leaves: the parent, and of a run that went wrong the pod's own.
no_pod_cgroup() {
  rmdir "/sys/fs/cgroup/$pod_cgroup/${pod##*/}" "/sys/fs/cgroup/$pod_cgroup" 2>/dev/null || true
  [[ ! -e /sys/fs/cgroup/$pod_cgroup ]]
}

# Of a pod on the host's network, where others serve.
serve_nothing() {
  read -r _ <"$pod/namespaces"
  echo ready >"$pod/ready"
  exec sleep infinity
}

# podpilot's exit code; its output is in $pod/out and $pod/err. Each run has a root of its own, as a
# restarted container; the emptyDir stays. pod_server answers the hook, pod_timeout is in seconds.
run_pod() { # ARGUMENT...
  local name=${pod##*/} status=0 server
  rm -rf "$pod/upper" "$pod/work"
  mkdir "$pod/upper" "$pod/work"
  chown --reference "$pod/image" "$pod/upper"
  mount -t overlay overlay \
    -o "lowerdir=$pod/image,upperdir=$pod/upper,workdir=$pod/work" "$pod/rootfs"
  printf '%s\n' /podpilot "$@" | jq -R . |
    jq -s --slurpfile spec "$pod/config.json" '$spec[0] * {process: {args: .}}' >"$pod/spec.json"
  mv "$pod/spec.json" "$pod/config.json"
  rm -f "$pod/namespaces" "$pod/ready" "$pod/answer"
  mkfifo "$pod/namespaces" "$pod/ready"
  "${pod_server:-serve_pod_registry}" &
  server=$!
  timeout --kill-after 5 "${pod_timeout:-180}" "${runtime[@]}" run --bundle "$pod" "$name" \
    < <(:) >"$pod/out" 2>"$pod/err" || status=$?
  "${runtime[@]}" delete --force "$name" >/dev/null 2>&1 || true
  wait_for 5 no_pod_cgroup
  kill "$server"
  wait "$server" || true
  umount "$pod/rootfs"
  return "$status"
}

remove_pod() {
  rm -rf "$pod"
}
