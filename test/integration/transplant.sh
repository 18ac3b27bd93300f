#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Where a pod allows no namespace and no mount its own root shows the image: what the payload sees,
# what it can reach, and that nothing of it is left for the next job.
# shellcheck source=test/integration/lib_pod.sh
. "$(dirname "$0")/lib_pod.sh" || exit
start_registry
busybox_image
push "$cached" busybox:1
image=docker://$registry/busybox:1

fly() { # CACHE COMMAND...
  in_pod "${as[@]}" /podpilot run -q --sandbox "$rung" --cache "/pod/$1" "$image" "${@:2}"
}

# What a job may leave behind, and what it must not be able to reach.
# shellcheck disable=SC2016  # for the payload's shell
leave='cd /; echo x >/etc/trace; echo x >/tmp/trace; mkdir -p /run/trace/deep; chmod 0 /run/trace
  echo x >/dev/shm/trace; echo x >/var/tmp/trace 2>/dev/null; echo x >/opt/trace; echo x >/root/trace
  ln -s /pod/cache-user /var/tmp/link 2>/dev/null
  (setsid sleep 1000 >/dev/null 2>&1 </dev/null &)
  (sleep 1000 & sleep 1000 &) >/dev/null 2>&1 </dev/null
  kill -STOP $(pidof sleep)
  exit 7'
# shellcheck disable=SC2016
look='find /etc /tmp /run /dev/shm /var /opt /root -name "*trace*" -o -name link 2>/dev/null; pidof sleep; exit 0'
# shellcheck disable=SC2016
attack='for file in /secrets/token /pod/root.lock /podpilot /pod/*/v1/locks/* /proc/1/environ /proc/1/maps; do
    cat "$file" >/dev/null 2>&1 && echo "read $file"
  done
  for file in /podpilot /usr/bin /bin/sh /pod/live/bin/sh /pod /secrets; do
    (echo x >"$file") 2>/dev/null && echo "wrote $file"
    (echo x >"$file/new") 2>/dev/null && echo "wrote into $file"
  done
  rm -rf /pod/live /usr/bin/new /bin/sh 2>/dev/null
  for signal in STOP TERM KILL; do kill -$signal 1 2>/dev/null && echo "sent $signal"; done
  (echo 0 >/proc/1/oom_score_adj) 2>/dev/null && echo "set oom_score_adj"
  cat /proc/1/root/secrets/token 2>/dev/null
  exit 0'

check_rung() { # RUNG
  rung=$1
  cache=cache-$1
  rm -f "$pod/pod/root.lock"
  expect_exit 7 fly "$cache" sh -c 'echo inside; exit 7'
  expect_out inside
  # As the image has it, by one switch; nothing of it afterwards.
  expect_exit 0 fly "$cache" sh -c 'cat /etc/passwd; test -x /bin/busybox && test -d /usr; touch /etc/x'
  expect_grep '^root:' "$out"
  expect_equal "$(find "$pod/etc" "$pod/var" "$pod/tmp" "$pod/run" -mindepth 1)" "" "left in the root"
  if [[ -L $pod/pod/live ]]; then fail "/pod/live still shows the image"; fi
  # Of its disk, the job has used what it wrote, not what the image brought.
  limited=("${as[@]}" /podpilot run -q --sandbox "$rung" --cache "/pod/$cache" --disk 600KiB
    --writable-image "$image")
  expect_exit 0 in_pod "${limited[@]}" sh -c 'sleep 1; dd if=/dev/zero of=/bin/some bs=1k count=300 && sleep 1'
  expect_exit 137 in_pod "${limited[@]}" sh -c 'for n in 1 2 3; do
      dd if=/dev/zero of=/bin/more$n bs=1k count=300; done; sleep 20'
  # One job's traces are not there for the next, in the same pod.
  expect_exit 0 in_pod "${as[@]}" /podpilot run -q --sandbox "$rung" --cache "/pod/$cache" "$image" true
  # shellcheck disable=SC2016
  expect_exit 0 in_pod bash -c '
    "${@:3}" sh -c "$1"
    [[ $? == 7 ]] || exit 1
    "${@:3}" sh -c "$2"' _ "$leave" "$look" \
    "${as[@]}" /podpilot run -q --sandbox "$rung" --cache "/pod/$cache" "$image"
  expect_out ""
  expect_exit 0 fly "$cache" sh -c "$attack"
  expect_out ""
  expect_exit 0 fly "$cache" true
}

as=("${as_pod_user[@]}")
expect_exit 0 in_pod "${as[@]}" /podpilot doctor --json --cache /pod/cache-transplant
expect_equal "$(jq -r '.rung + " " + .users' "$out")" 'transplant one' "a pod that allows nothing"
check_rung transplant
# Whoever looks at the pod while a job runs in its root leaves that alone.
# shellcheck disable=SC2016
expect_exit 0 in_pod bash -c '
  "${@:1:$#-1}" run -q --sandbox transplant --cache /pod/cache-transplant "${!#}" \
    sh -c "touch /tmp/begun; sleep 2; head -n 1 /etc/passwd" &
  until [[ -e $0/tmp/begun ]]; do sleep 0.1; done
  "${@:1:$#-1}" doctor --cache /pod/cache-transplant >"$0/doctor"
  wait $!' "$pod" "${as[@]}" /podpilot "$image"
expect_out 'root:x:0:0:root:/root:/bin/sh'
expect_grep "another podpilot uses this pod's root" "$pod/doctor"
# Guarantees are asked for by name, and refused by name.
expect_error sandbox-unavailable "does not give pids" in_pod "${as[@]}" /podpilot run -q \
  --require-isolation pids,signals --cache /pod/cache-transplant "$image" true
as=("${enter_pod[@]}" "$pod")
check_rung transplant-setuid
