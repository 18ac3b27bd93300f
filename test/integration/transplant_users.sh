#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A pod whose payloads share the pilot's uid serves one submitter, leaves the jobs of others alone
# and makes room once only they wait.
# shellcheck source=test/integration/lib_pod.sh
. "$(dirname "$0")/lib_pod.sh" || exit
start_registry
busybox_image
push "$cached" busybox:1

mkdir -m 777 "$pod/spool"
spool=$pod/spool
umask 0 # several users share it

submit_as() { # UID COMMAND -> the job's id
  jq -n --arg image "docker://$registry/busybox:1" --arg command "$2" \
    '{image: $image, command: ["sh", "-c", $command]}' |
    setpriv --reuid "$1" --regid "$1" --clear-groups "$program" submit "$spool" -
}

fly_pod() { # OPTION...: a pilot in the pod, to its end
  expect_exit 0 in_pod_podpilot pilot --scheduler spool:/spool \
    --cache /pod/cache --sandbox transplant "$@"
}

expect_exit 0 in_pod_podpilot doctor --json --cache /pod/cache \
  --share-between-users
expect_equal "$(jq -r .users "$out")" any "whose jobs, where users share"

first=$(submit_as 2001 'sleep 1')
bob=$(submit_as 2002 'echo bob')
second=$(submit_as 2001 'echo alice')
fly_pod --drain
expect_grep 'retiring: .*served.*2001.*waits.*2002' "$err"
for id in "$first" "$second"; do expect_equal "$(job_field "$id" .state)" "done" "job of 2001"; done
expect_equal "$(job_field "$bob" '"\(.state) \(.attempt) \(.submitter)"')" 'queued 0 2002' "job of 2002"

fly_pod --drain
expect_equal "$(job_field "$bob" '"\(.state) \(.exit_code)"')" 'done 0' "job of 2002"

# A pod without work stays while nobody else waits.
submit_as 2001 true >/dev/null
fly_pod --idle-exit 4s
expect_no_grep retiring "$err"
expect_grep 'idle for as long' "$err"

submit_as 2001 true >/dev/null
submit_as 2002 true >/dev/null
fly_pod --drain --share-between-users
expect_no_grep retiring "$err"
expect_equal "$(podpilot queue "$spool" --json | jq -r .state | sort | uniq -c | tr -s ' ')" ' 6 done' \
  "jobs of both"
