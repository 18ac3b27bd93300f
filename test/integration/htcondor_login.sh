#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# docker_send_credentials: the pull of a job has its owner's login, and nobody else has it, nor what it
# gave access to: not another user, not one with a wrong login, no process, log or file.
# ctest: long
# ctest: timeout 240
export POOL_SUITE=${POOL_SUITE:-forky} # older shadows send none
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root jq htpasswd
# shellcheck source=test/integration/lib_htcondor.sh
. "$(dirname "$0")/lib_htcondor.sh"
busybox_image
start_registry htpasswd
push "$cached" busybox:1

pool up
# What condor_docker_pat_producer sends: htcondor_pat.json, where it is newer than config.json.
give_login() { # USER PASSWORD
  local home=$POOL_HOME/pool/home/$1
  mkdir "$home/.docker"
  jq -n --arg registry "$registry" --arg auth "$(printf 'flyer:%s' "$2" | base64 -w 0)" \
    '{auths: {($registry): {auth: $auth}, "https://index.docker.io/v1/": {auth: "eDp5"}}}' >"$home/.docker/htcondor_pat.json"
  echo '{}' >"$home/.docker/config.json"
  touch -d '1 hour ago' "$home/.docker/config.json"
  chown -R --reference="$home" "$home/.docker"
}
give_login tester "$(<"$tmp/password")"
give_login pilot "wrong-$(<"$tmp/password")"
start_condor_pilot --cpus 2 --memory 1GiB --log-level debug

container=('universe = container' "container_image = docker://$registry/busybox:1" 'executable = /bin/sh'
  'transfer_executable = false' "arguments = \"-c 'cat /proc/*/environ; env; sleep 2'\"" 'request_cpus = 1'
  'request_memory = 64' 'request_disk = 10240' 'should_transfer_files = YES')
with_login=("${container[@]}" 'docker_send_credentials = true')
secrets=$(<"$tmp/password")\|$(jq -r '.auths[].auth' "$tmp/config.json")
look() { # at every process of the pilot's, and tell whether the job has left
  local pid
  for pid in $(processes); do
    tr '\0' '\n' <"/proc/$pid/cmdline" >>"$tmp/seen" || true
    tr '\0' '\n' <"/proc/$pid/environ" >>"$tmp/seen" || true
  done 2>/dev/null
  has_left "$1"
}
expect_flown() { # NAME
  wait_for 60 look "$1"
  expect_equal "$(in_history "$1" JobStatus ExitCode)" '4 0' "job $1"
}
is_held() { [[ $(pool run condor_q "${cluster[$1]}" -af JobStatus) == 5 ]]; }
expect_denied() { # NAME
  wait_for 60 is_held "$1"
  pool run condor_q "${cluster[$1]}" -af HoldReasonCode HoldReason >"$out"
  expect_grep '^35 .*(authentication required|unauthorized).*\(image-denied\)' "$out"
}

# First who may, so that the image is in the cache; then who may not.
submit_job mine "${with_login[@]}"
expect_flown mine
expect_equal "$(podpilot cache ls --json --cache "$cache" | jq -s 'length')" 1 "images in the cache"
export POOL_USER=pilot
submit_job stranger "${container[@]}"
submit_job wrong "${with_login[@]}"
expect_denied stranger
expect_denied wrong
pool run condor_rm "${cluster[stranger]}" "${cluster[wrong]}" >"$out"
export POOL_USER=tester
submit_job careless "${container[@]}"
expect_denied careless
submit_job again "${with_login[@]}"
expect_flown again

expect_grep '^pull$' "$tmp/seen" # a pull was among what was looked at
expect_no_grep "$secrets" "$tmp/seen"
expect_no_grep "$secrets" "$tmp/pilot.log"
for name in mine again; do expect_no_grep "$secrets" "${folder[$name]}/$name.out"; done
if grep -raqE -e "$secrets" "$cache"; then fail "the password is in the cache"; fi
kill -TERM "$pilot"
wait "$pilot" || fail "the pilot ended with $?"
