#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Inside of a virtual machine: jobs with control groups of their own, in the groups that pods and users
# are given; and without, where none is given. Usage: cgroup_here.sh
# shellcheck source=test/integration/lib.sh
. "${BASH_SOURCE[0]%/*}/../integration/lib.sh" || exit
top=/sys/fs/cgroup
echo '+memory +pids +cpu' >"$top/cgroup.subtree_control"

busybox_layer
image=$tmp/image
mkdir "$image"
tar --extract --directory "$image" --file "$cached"
install -m 755 "$PODPILOT_BUILD/test/victims/eat" "$image/bin/eat"
# What a payload tries with the groups that it can see: a line for each that worked.
cat >"$image/bin/meddle" <<'END'
#!/bin/sh
attempt() { if (eval "$1") 2>/dev/null; then echo "worked: $1"; fi; }
groups=$(find /sys/fs/cgroup -type d)
for group in $groups; do
  for file in memory.max pids.max cpu.weight cgroup.subtree_control cgroup.kill cgroup.freeze; do
    attempt "echo 1 >$group/$file"
  done
  attempt "echo \$\$ >$group/cgroup.procs"
  attempt "mkdir $group/mine"
  attempt "rmdir $group"
  attempt "chmod 777 $group/memory.max"
  attempt "chown 0 $group/memory.max"
done
attempt 'mount -o remount,rw /sys/fs/cgroup'
attempt 'mount -t cgroup2 none /mnt'
attempt 'unshare -C true'
echo "$(echo $groups | wc -w) groups"
END
cat >"$image/bin/spin" <<'END'
#!/bin/sh
i=0
while [ $i -lt 20000 ]; do i=$((i + 1)); done
END
chmod 755 "$image"/bin/{meddle,spin}
chown -hR 1000:1000 "$image"

make_group() { # NAME: sets `group`, a pod's
  group=$top/$1
  mkdir "$group"
  echo 1G >"$group/memory.max"
}

in_group=(sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"')
# As a runtime does it: a cgroup namespace, and a mount of what is in it.
# shellcheck disable=SC2016  # expanded inside
in_namespace=(unshare --cgroup --mount sh -c '
  umount /sys/fs/cgroup
  mount -t cgroup2 -o "$0" cgroup /sys/fs/cgroup
  exec "$@"')

job() { # PROCESSES WORD...
  submit "$(jq -n --arg image "$image" --arg processes "$1" '{image: $image, memory: "96MiB",
    processes: ($processes | tonumber), command: $ARGS.positional}' --args "${@:2}")"
}

doctor_says() { # HOLDS|-
  podpilot doctor --json --cache "$cache" >"$out" 2>"$err" || fail "doctor: $(<"$err")"
  expect_equal "$(jq -r '.checks[] | select(.name == "cgroup").result' "$out")" \
    "$([[ $1 == - ]] && echo note || echo ok)" "doctor on cgroups ($(jq -c '.checks[]' "$out"))"
  jq -r '.checks[] | select(.name == "cgroup").detail' "$out"
  [[ $1 == - ]] || jq -r '.checks[] | select(.name == "cgroup").detail' "$out" | grep -q "$1"
  expect_equal "$(jq -r '.not_promised | test("memory")' "$out")" \
    "$([[ $1 == - ]] && echo true || echo false)" "memory among what is not promised"
}

run_jobs() { # KERNEL-HOLDS(yes|no) HOW...: what is eaten
  local eaters=() id bomb meddler fine seen how
  for how in "${@:2}"; do
    # shellcheck disable=SC2086
    eaters+=("$(job 100 eat $how)")
  done
  bomb=$(submit "$(jq -n --arg image "$image" '{image: $image, memory: "96MiB", processes: 20,
    time_limit: "4s", command: ["eat", "bomb", "0"]}')")
  meddler=$(job 100 meddle)
  fine=$(job 100 spin)
  drain --jobs 1
  seen=$tmp/pilot-$pilots.log
  for id in "${eaters[@]}"; do
    printf '  %s %s MiB\n' "$(job_field "$id" .text)" "$(job_field "$id" '.usage.peak_memory / 1048576 | floor')"
    expect_equal "$(job_field "$id" '"\(.state) \(.slug)"')" 'failed payload-over-memory' \
      "$(job_field "$id" tojson)"
    expect_equal "$(job_field "$id" '.usage.peak_memory >= 90e6')" true "the peak of an eater"
  done
  printf '  bomb: %s\n' "$(job_field "$bomb" '"\(.slug) \(.text)"')"
  expect_equal "$(job_field "$meddler" .state)" 'done'
  cat "$(job_field "$meddler" .stdout)"
  expect_no_grep worked "$(job_field "$meddler" .stdout)"
  expect_equal "$(job_field "$fine" '"\(.state) \(.exit_code)"')" 'done 0'
  expect_equal "$(job_field "$fine" '.usage.user > 0')" true "CPU time ($(job_field "$fine" .usage))"
  expect_equal "$(sed -n 's/^oom //p' "$group/memory.events.local")" 0 "failures of the pod itself"
  expect_equal "$(find "$group" -mindepth 1 -type d -name 'podpilot-job*')" '' "groups that are left"
  if [[ $1 == yes ]]; then
    expect_grep 'cgroup=memory,pids,cpu' "$seen"
  else
    expect_grep 'cgroup="?none' "$seen"
  fi
}

try() { # WHAT HOLDS|- COMMAND...: podpilot's command line; `eaten` is the caller's
  printf -- '--- %s, %s\n' "$1" "$(uname -r)"
  podpilot=("${@:3}" "${pilot_env[@]}" "$program")
  rm -rf "$spool" "$cache"
  mkdir "$spool" "$cache"
  chmod 777 "$spool" "$cache"
  doctor_says "$2"
  run_jobs "$([[ $2 == - ]] && echo no || echo yes)" "${eaten[@]}"
  no_processes || fail "left behind: $(processes)"
}

eaten=('threads 500 2' 'shm 500' 'memfd 500' 'tree 500 5')
make_group given
chown 1000:1000 "$group" "$group"/cgroup.{procs,subtree_control,threads}
try 'a group that was given to a user' 'memory,pids,cpu' "${in_group[@]}" "$group" "${unprivileged[@]}"

# As slowly as the watchdog can follow on an emulated processor.
eaten=('slowly 500')
make_group withheld
try 'a group that was not' - "${in_group[@]}" "$group" "${unprivileged[@]}"

make_group pod
try 'a root pod with a writable mount' 'memory,pids,cpu' \
  "${in_group[@]}" "$group" "${in_namespace[@]}" rw

make_group frozen
try 'a root pod with a read-only mount' 'memory,pids,cpu' \
  "${in_group[@]}" "$group" "${in_namespace[@]}" ro
