#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A container that is killed during a job in its own root, and started again on what is left: all that the
# job put there to catch the next pilot is gone before that looks at anything, and the next job sees its own
# image alone.
# shellcheck source=test/integration/lib_poison.sh
. "$(dirname "$0")/lib_poison.sh" || exit
needs strace

# shellcheck disable=SC2016  # for the payloads' shell
look='for folder in /etc /var /var/tmp /tmp /run /dev/shm /root /opt; do echo "$folder: $(ls -A $folder 2>/dev/null | xargs)"; done
  cat /etc/passwd; pidof sleep; true'
hide='leave >/dev/null
  ln -s /pod/cache /tmp/podpilot-1000
  ln -s /pod/cache/v1 /var/tmp/v1
  mkfifo /etc/fifo
  for folder in /etc /run /var /tmp /opt; do mkdir -p $folder/closed/deep/er; echo x >$folder/closed/file; done
  for folder in /etc /run /opt; do chmod 000 $folder/closed/file $folder/closed/deep $folder/closed; done
  for folder in /var /tmp; do chmod 555 $folder/closed/deep $folder/closed; done
  (busybox setsid sleep 1000 >/dev/null 2>&1 </dev/null &)
  echo x >/tmp/left
  sleep 1000'

left() { find "$pod"/{etc,var,tmp,run} -mindepth 1 -printf '%P %u %M %l\n' | sort; }
before=$(left)

check_rung() { # RUNG
  local fly job seen container
  fly=("${as[@]}" /podpilot pilot --scheduler spool:/pod/spool --cache "/pod/cache-$1" --sandbox "$1")
  rm -f "$pod/pod/root.lock"
  job=$(submit_in_pod good:1 sh -c "$look")
  expect_exit 0 in_pod "${fly[@]}" --idle-exit 1s

  seen=$(<"$(job_field "$job" .stdout)")
  expect_grep "^root:x:0:0" "$(job_field "$job" .stdout)"

  job=$(submit_in_pod evil:1 busybox sh -c "$hide")
  in_pod "${fly[@]}" >"$tmp/killed.log" 2>&1 &
  container=$!
  wait_for 30 test -e "$pod/tmp/left"
  kill_container "$(pgrep -P "$(pgrep -P "$container")")"
  wait "$container" || true
  for trap in etc/ld.so.preload etc/containers etc/closed run/closed var/tmp tmp/podpilot-1000; do
    [[ -e $pod/$trap || -L $pod/$trap ]] || fail "the job did not leave $trap"
  done
  [[ -L $pod/pod/live ]] || fail "the job's image is not shown any more"
  podpilot cancel "$spool" "$job" >"$out"

  # With an image that is not in the cache: names, authorities and credentials are needed.
  job=$(submit_in_pod "good:$2" sh -c "$look")
  expect_exit 0 in_pod strace -f -q -o "$tmp/trace" -e trace=file "${fly[@]}" --idle-exit 1s
  expect_done "$job" "$seen"
  expect_equal "$(left)" "$before" "left in the root"
  if [[ -L $pod/pod/live ]]; then fail "/pod/live still shows an image"; fi
  expect_equal "$(find "$pod/pod/cache-$1/scratch" -name 'pilot-*')" "" "left in scratch"
  # The image was taken away, the job's folder removed, and nothing but folders to be emptied looked at, before the first file of the
  # pod's configuration was read.
  awk 'begun && /"\/(etc\/|\/\.config)/ && !/O_PATH/ { exit } begun { print } /execve\("\/podpilot"/ { begun = 1 }' "$tmp/trace" >"$tmp/before"
  expect_grep 'unlink\("/pod/live"' "$tmp/before"
  expect_grep '"pilot-[0-9a-f]+", AT_REMOVEDIR' "$tmp/before"
  sed -nE 's|^[0-9]+ +[a-z0-9]+\(([A-Z0-9_]+, )?"(/[^"]*)".*|\2|p' "$tmp/before" | sort -u >"$tmp/resolved"
  expect_equal "$(grep -vE '^/(|podpilot-probe|etc(/hosts|/hostname|/resolv.conf)?|var|var/tmp|run|tmp|(pod|proc|sys|dev)(/.*)?)$' "$tmp/resolved")" \
    "" "resolved before the root was emptied"
  expect_equal "$(grep '^/pod/live/' "$tmp/resolved")" "" "resolved in the last job's image"
}
as=("${as_pod_user[@]}")
check_rung transplant 2
as=("${enter_pod[@]}" "$pod")
check_rung transplant-setuid 3

# What a job of another uid left in the pod's IPC namespace, which outlives its containers.
# shellcheck disable=SC2016
expect_exit 0 in_pod unshare --ipc bash -c '
  for uid in 20000 59999 60000; do
    setpriv --reuid "$uid" --clear-groups bash -c "ipcmk -Q; ipcmk -M 4096; ipcmk -S 1; : >$1/dev/shm/$uid" >"$1/ipc"
  done
  "${@:2}" >"$1/ipc"
  ipcs | grep -cE "^0x.* (20000|59999) "
  ipcs | grep -cE "^0x.* 60000 "
  ls "$1/dev/shm"' _ "$pod" "${as[@]}" /podpilot run -q --sandbox transplant-setuid \
  --cache /pod/cache-transplant-setuid "docker://$image_host/good:1" true
expect_out '0
3
60000'
