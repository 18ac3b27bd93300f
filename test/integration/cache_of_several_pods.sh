#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# One volume as the cache of several pods at once, each with jobs of its own: where no job can change the
# pilots' files all share it, and where jobs could a pilot has it alone or not at all.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs root runc mkfs.ext4
# shellcheck source=test/pods/pod.sh
. "$PODPILOT_SOURCE/test/pods/pod.sh"
in_own_mounts "$0" "$@"
start_registry
busybox_image
push "$cached" busybox:1
make_node runc "$tmp/registry/storage"
mkdir -m 777 "$node/cache"
use_pod() { # NAME
  pod=$node/pods/$1
  pod_cgroup=podpilot-test-$$-$1
}
make_neighbour() { # NAME PART...
  use_pod "$1"
  make_pod "$@"
  mkdir "$pod/data"/{cache,spool}
  chown "$pod_uid:$pod_uid" "$pod/data/spool"
  mount --bind "$node/cache" "$pod/data/cache"
  mounts=("$pod/data/cache" "${mounts[@]}")
}
make_neighbour open
make_neighbour closed seccomp_containerd_2
make_neighbour closed-too seccomp_containerd_2
# As a kernel before 5.0: the supervisor can carry out no calls for its payload.
make_neighbour exposing seccomp_containerd_2
jq '.linux.seccomp.syscalls |= (map(.names -= ["seccomp"]) + [{names: ["seccomp"], action: "SCMP_ACT_ALLOW",
  args: [{index: 1, value: 8, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ"}]}])' "$pod/config.json" >"$tmp/config.json"
mv "$tmp/config.json" "$pod/config.json"

submit_to() { # POD COMMAND -> the job's id
  as_user "$program" submit "$node/pods/$1/data/spool" - < <(jq -n --arg image "docker://$pod_registry/busybox:1" \
    --arg command "$2" '{image: $image, command: ["sh", "-c", $command]}')
}
job_of() { # POD ID JQ-FILTER
  as_user "$program" queue "$node/pods/$1/data/spool" --json "$2" | jq -r "$3"
}
fly_in() { # POD OPTION...
  use_pod "$1"
  run_pod pilot --scheduler spool:/pod/spool --cache /pod/cache "${@:2}"
}
pids=()
begin_in() { # POD: a pilot with a job that waits for its end
  begun[$1]=$(submit_to "$1" 'touch begun; until [ -e end ]; do sleep 0.1; done; echo ended')
  fly_in "$1" --idle-exit 2s &
  pids+=($!)
  wait_for 30 compgen -G "$node/cache/scratch/pilot-*/job-*/files/begun" >/dev/null
  mv "$(compgen -G "$node/cache/scratch/pilot-*/job-*/files/begun")" "$tmp/begun-$1"
}
end_all() { # POD...: all that was begun
  local file name
  for file in "$node"/cache/scratch/pilot-*/job-*/files; do as_user touch "$file/end"; done
  for pid in "${pids[@]}"; do wait "$pid" || fail "a pilot ended with $?"; done
  pids=()
  for name in "$@"; do
    expect_equal "$(job_of "$name" "${begun[$name]}" '"\(.state) \(.exit_code)"')" 'done 0' "the job in $name"
  done
}
declare -A begun=()

# What each of them does to the files of all.
# shellcheck disable=SC2016  # for the payload's shell
attack='for path in /pod/cache/v1 /pod/cache/files.lock /pod/cache/scratch /bin/busybox /pod/cache/v1/layers/*; do
    chmod 700 $path 2>/dev/null && echo "chmod $path"
    touch $path 2>/dev/null && echo "touch $path"
    cat $path/* >/dev/null 2>&1 && echo "read $path"
  done; true'
begin_in closed
begin_in open
id=$(submit_to closed-too "$attack")
expect_exit 0 fly_in closed-too --drain
expect_equal "$(job_of closed-too "$id" '"\(.state) \(.exit_code)"')" 'done 0' "a job in closed-too"
expect_equal "$(<"$(job_of closed-too "$id" .stdout)")" "" "what it could do"
expect_grep 'rung=transplant ' "$node/pods/closed-too/err"
expect_grep 'rung=userns ' "$node/pods/open/err"
# One that exposes them finds no place there, and says so to people, too.
expect_exit 125 fly_in exposing --drain
expect_grep "/pod/cache is another podpilot's, too, and jobs here could .*\(sandbox-unavailable\)" "$node/pods/exposing/err"
use_pod exposing
expect_exit 1 run_pod doctor --json --cache /pod/cache
expect_equal "$(jq -r '.checks[] | select(.name == "transplant").remedy.reason' "$pod/out")" volume "doctor's remedy"
end_all closed open

# Alone it may, and then nobody else.
begin_in exposing
expect_exit 125 fly_in open --drain
expect_grep "/pod/cache is another podpilot's, too, whose jobs can" "$node/pods/open/err"
expect_exit 125 fly_in closed --drain
end_all exposing
expect_exit 0 fly_in closed --drain
expect_exit 0 as_user "$program" cache verify --cache "$node/cache"
expect_equal "$(find "$node/cache/scratch" -name 'pilot-*')" "" "left in scratch"
