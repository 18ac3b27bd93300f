#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Containers that are killed in the middle of a pull and of a job, and started again by runc as a kubelet
# does: on the same volumes, with a root of their own. The next one cleans up, believes nothing of what the
# job left, its HOME in the pod's /etc/passwd for one, and goes on.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs root runc mkfs.ext4
# shellcheck source=test/pods/pod.sh
. "$PODPILOT_SOURCE/test/pods/pod.sh"
in_own_mounts "$0" "$@"
start_registry
busybox_image
for name in first next; do
  mkdir -p "$tmp/$name/opt"
  head -c 30000000 /dev/urandom >"$tmp/$name/opt/file"
  make_image "$tmp/$name.image" gzip "$(busybox_layer && echo "$cached")" "$tmp/$name" -- --config.env PATH=/bin
  push "$tmp/$name.image" "$name:1"
done
busybox_image
push "$cached" busybox:1
make_node runc "$tmp/registry/storage"

submit_in_pod() { # IMAGE COMMAND -> the job's id
  setpriv --reuid "$pod_uid" --regid "$pod_uid" --clear-groups "$program" submit "$pod/data/spool" - < <(jq -n \
    --arg image "docker://$pod_registry/$1" --arg command "$2" '{image: $image, command: ["sh", "-c", $command]}')
}
job_says() { # ID JQ-FILTER
  "$program" queue "$pod/data/spool" --json "$1" | jq -r "$2"
}
pilot=(pilot --scheduler spool:/pod/spool --cache /pod/cache --idle-exit 1s)
killed_once() { # COMMAND...: the container, as soon as this succeeds; a pull takes some 0.3 s
  local end=$((SECONDS + 30))
  run_pod "${pilot[@]}" &
  until "$@"; do ((SECONDS < end)) || fail "waited in vain for: $*"; done
  kill_container "$("${runtime[@]}" state "${pod##*/}" | jq .pid)"
  wait $! || true
}
pulls() { compgen -G "$pod/data/cache/v1/staging/*/*" >"$tmp/staged"; }
has_left() { compgen -G "$pod/data/cache/scratch/pilot-*/job-*/files/left" >"$tmp/left"; }

# All that this user's jobs may write to; HOME is where the last one left credentials and a registries.conf.
# shellcheck disable=SC2016  # for the payload's shell
hide='home=$(cd /home && pwd -P)
  mkdir -p $home/.config/containers $home/.docker
  printf "[[registry]]\nlocation = \"%s\"\nblocked = true\n" '"$pod_registry"' >$home/.config/containers/registries.conf
  cp $home/.config/containers/registries.conf /var/tmp/
  echo "{" >$home/.docker/config.json
  for n in 0 1000; do echo "user:x:$n:$n::$home:/bin/sh"; done >/etc/passwd.new
  rm -f /etc/passwd; mv /etc/passwd.new /etc/passwd
  for folder in /etc /var /tmp /run /dev/shm /home; do mkdir -p $folder/closed/deep; echo x >$folder/closed/file; done
  for folder in /etc /var /dev/shm /home; do chmod 000 $folder/closed/file $folder/closed/deep $folder/closed; done
  chmod 555 /tmp/closed /run/closed
  ln -s /pod/cache /tmp/podpilot-1000
  echo x >/etc/ld.so.preload
  mkdir $home/much; cd $home/much; touch $(seq 20000); cd - >/dev/null # takes its time to be removed
  (setsid sleep 1000 >/dev/null 2>&1 </dev/null &)
  touch left; sleep 1000'
# shellcheck disable=SC2016
look='for folder in /etc /var /tmp /run /dev/shm /home /root; do echo $folder: $(ls -A $folder 2>/dev/null); done
  cat /etc/passwd; pidof sleep; true'

in_volumes() { find "$pod"/data/own/{var,tmp,run} -mindepth 1 2>/dev/null || true; }

check_pod() { # NAME RUNG PART...
  local job next seen fresh made
  make_pod "$1" "${@:3}"
  mkdir "$pod/data/spool"
  chown "$pod_uid:$pod_uid" "$pod/data/spool"

  fresh=$(submit_in_pod busybox:1 "$look")
  expect_exit 0 run_pod "${pilot[@]}"
  expect_grep "rung=$2" "$pod/err"
  seen=$(<"$(job_says "$fresh" .stdout)")
  expect_grep '^root:x:0:0' "$(job_says "$fresh" .stdout)"
  made=$(in_volumes) # by the runtime, to mount on

  job=$(submit_in_pod first:1 true)
  killed_once pulls
  "$program" cancel "$pod/data/spool" "$job" >"$out"
  job=$(submit_in_pod busybox:1 "$hide")
  killed_once has_left
  "$program" cancel "$pod/data/spool" "$job" >"$out"
  [[ -n $(find "$pod/data" -name closed) && -n $(ls -A "$pod/shm") ]] || fail "the job of $1 left nothing"

  next=$(submit_in_pod next:1 "$look")
  expect_exit 0 run_pod "${pilot[@]}"
  expect_equal "$(job_says "$next" '"\(.state) \(.exit_code) \(.slug)"')" 'done 0 null' "$1: $(job_says "$next" .text)"
  expect_equal "$(<"$(job_says "$next" .stdout)")" "$seen" "what the next job sees, $1"
  expect_equal "$(find "$pod/data/cache/scratch" -name 'pilot-*')" "" "left in scratch, $1"
  expect_equal "$(ls -A "$pod/data/cache/v1/staging" "$pod/shm")" "$pod/data/cache/v1/staging:"$'\n\n'"$pod/shm:" \
    "left in staging and /dev/shm, $1"
  expect_equal "$(in_volumes)" "$made" "left in the volume, $1"
  expect_exit 0 setpriv --reuid "$pod_uid" --clear-groups "$program" cache verify --cache "$pod/data/cache"
  remove_pod
}
check_pod volumes transplant seccomp_containerd_2 read_only_root own_folders
check_pod root transplant-setuid root capabilities seccomp_containerd_2_chroot
