#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The tree of the next image is made beside the running job: it is what the job sees, nothing that
# the job before did to it serves, and no end of a pilot leaves one behind.
# shellcheck source=test/integration/lib_pod.sh
. "$(dirname "$0")/lib_pod.sh" || exit
start_registry
busybox_image
push "$cached" one:1
busybox_layer
mkdir -p "$tmp/two/usr"
echo two >"$tmp/two/usr/name"
make_image "$tmp/two.image" gzip "$cached" "$tmp/two" -- --config.env PATH=/bin
push "$tmp/two.image" two:1

mkdir -m 777 "$pod/spool"
install -d -m 700 -o 1000 -g 1000 "$pod/spool/user"
spool=$pod/spool/user
cache=$pod/pod/cache
submit_job() { # IMAGE COMMAND -> the job's id
  submit "$(jq -n --arg image "docker://$registry/$1" --arg command "$2" \
    '{image: $image, command: ["sh", "-c", $command]}')"
}
fly_pod() { # OPTION...
  in_pod_podpilot pilot --scheduler spool:/spool/user --cache /pod/cache --sandbox transplant \
    --log-level debug "$@"
}
output() { # ID
  expect_equal "$(job_field "$1" .state)" "done" "a job ($(job_field "$1" .text))"
  cat "$(job_field "$1" .stdout)"
}
expect_exit 0 in_pod_podpilot pull -q --cache /pod/cache "docker://$registry/two:1"

# What runs, once more; then what the queue says comes next. One job's changes to its copies of /etc
# are not seen by the next, whose tree was there by then.
first=$(submit_job one:1 'sleep 2; echo changed >/etc/passwd')
again=$(submit_job one:1 'head -n 1 /etc/passwd; sleep 2')
other=$(submit_job two:1 'cat /usr/name; test -w /etc/passwd')
expect_exit 0 fly_pod --drain
expect_equal "$(grep -c 'prepared image taken' "$err")" 2 "trees that were there"
output "$first" >/dev/null
expect_equal "$(output "$again")" root:x:0:0:root:/root:/bin/sh "the next job's /etc"
expect_equal "$(output "$other")" two "another image's file"

# Files that cache, running job and prepared tree share, and files of the prepared tree: a job
# cannot change them (the attacks of test/pods try), whoever else has its uid can.
trees() { find "$cache/scratch" -mindepth 5 -maxdepth 5 -path '*/job-*/root/etc/passwd'; }
meddle() { # COMMAND...: once the next job's tree is there; the path of its passwd is added
  local end=$((SECONDS + 20))
  until grep -q 'image prepared' "$err"; do
    ((SECONDS < end)) || return 1
    sleep 0.1
  done
  "$@" "$(trees | sort -V | tail -n 1)"
}
shared_file() { chmod 700 "$(find "$cache" -path '*/scratch' -prune -o -name busybox -print -quit)"; }
for change in shared_file 'chmod 0'; do
  first=$(submit_job one:1 'sleep 3')
  again=$(submit_job one:1 'stat -L -c %a /bin/busybox /etc/passwd')
  : >"$err"
  # shellcheck disable=SC2086  # a command and its argument
  meddle $change &
  expect_exit 0 fly_pod --drain
  wait $! || fail "no tree was prepared"
  expect_grep 'prepared image looked at good=no' "$err"
  expect_no_grep 'prepared image taken' "$err"
  output "$first" >/dev/null
  expect_equal "$(output "$again")" $'755\n644' "modes after $change"
done
expect_equal "$(find "$cache/scratch" -name 'pilot-*')" "" "left by a pilot that ended"

# Images that make way for each other: what is pulled anew is not taken for changed.
ids=()
for image in two one two one; do
  ids+=("$(submit_job "$image:1" "cat /usr/name; head -n 1 /etc/passwd")")
done
expect_exit 0 fly_pod --drain --cache-size 0
expect_grep 'made room in the cache' "$err"
expect_no_grep 'a job changed files' "$err"
for id in "${ids[@]}"; do
  expect_equal "$(output "$id" | tail -n 1)" root:x:0:0:root:/root:/bin/sh "an image that came back"
done
expect_exit 0 in_pod_podpilot cache ls --json --cache /pod/cache
expect_equal "$(jq -s length "$out")" 1 "images left"

# With a uid for each job, the copies are the next one's.
first=$(submit_job one:1 'id -u; sleep 2')
again=$(submit_job one:1 'id -u; touch /etc/new; stat -L -c %u /etc/passwd')
expect_exit 0 in_pod "${enter_pod[@]}" "$pod" /podpilot pilot --scheduler spool:/spool/user \
  --cache /pod/cache-root --sandbox transplant-setuid --log-level debug --drain
expect_grep 'prepared image taken' "$err"
uid=$(output "$first")
expect_equal "$(output "$again")" "$((uid + 1))"$'\n'"$((uid + 1))" "uid, and owner of /etc/passwd"

# Killed with a tree that is ready: the next pilot clears it away.
submit_job one:1 'sleep 60' >/dev/null
fly_pod >"$tmp/killed.log" 2>&1 &
wait_for 20 grep -q 'image prepared' "$tmp/killed.log"
kill -KILL "$(pgrep -P "$(pgrep -P $!)")"
wait $! || true
expect_grep root <(find "$cache/scratch" -maxdepth 3 -path '*/job-*/root' | sed 's|.*/||')
expect_equal "$(find "$cache/scratch" -maxdepth 3 -path '*/job-*/root' | wc -l)" 2 "trees left"
expect_exit 0 in_pod_podpilot pilot --scheduler spool:/spool/user --cache /pod/cache \
  --sandbox transplant --cpus 1 --idle-exit 1s --memory 1
expect_equal "$(find "$cache/scratch" -name 'pilot-*')" "" "left by a pilot that was killed"
