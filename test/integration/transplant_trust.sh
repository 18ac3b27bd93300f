#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Where the pod's own root shows the images, a pilot believes nothing that is below "/" after its
# first job: names, certificate authorities and credentials are those of the pod before it.
# shellcheck source=test/integration/lib_poison.sh
. "$(dirname "$0")/lib_poison.sh" || exit
needs strace

# A pilot whose own files a job would decide over refuses, before it has touched any of them.
# shellcheck disable=SC2016
expect_error sandbox-unavailable "/var/cache lies where jobs would see their image" in_pod_podpilot \
  run -q --sandbox transplant --cache /var/cache "docker://$image_host/good:1" true

# The pilot, watched.
in_pod strace -f -q -o "$tmp/trace" -e trace=file "${as_pod_user[@]}" /podpilot pilot \
  --scheduler spool:/pod/spool --cache /pod/cache --sandbox transplant >"$tmp/pilot.log" 2>&1 &
pod_process=$!
job=$(submit_in_pod good:1 echo first)
expect_done "$job" first
job=$(submit_in_pod evil:1 leave)
expect_done "$job" second
asked=$(grep -c "^asked $host" "$tmp/name_server.log")
job=$(submit_in_pod good:2 echo third)
expect_done "$job" third

# As if nothing of it had been cleaned up: all of the root is the image's.
cp -a "$tmp/poison" "$pod/pod/evil"
ln -sfn /pod/evil "$pod/pod/live"
cp -a "$tmp/poison/etc/." "$pod/etc/" && chmod 1777 "$pod/etc"
expect_grep "127.0.0.66 $host" "$pod/etc/hosts"
job=$(submit_in_pod good:3 echo fourth)
expect_done "$job" fourth

# And such that whoever opens one of them waits for ever.
for file in "${poisoned[@]}"; do
  case $file in
    etc/*) rm "$pod/$file" && mkfifo "$pod/$file" ;;
    *) rm "$pod/pod/evil/$file" && mkfifo "$pod/pod/evil/$file" ;;
  esac
done
ln -sfn /pod/evil "$pod/pod/live"
job=$(submit_in_pod good:4 echo fifth)
expect_done "$job" fifth
if [[ -e $pod/tmp/was-run ]]; then fail "a program of the image was run"; fi
# It was the pod's name server that was asked each time.
(($(grep -c "^asked $host" "$tmp/name_server.log") > asked)) || fail "the pod's name server was not asked"

# From one pull's first call to its last nobody resolves a path that an image could have made.
kill -TERM "$(podpilot_in "$pod_process")"
wait "$pod_process" || fail "the pilot ended with $?"
expect_grep 'pilot ends' "$tmp/pilot.log"
awk '/execve\("\/proc\/self\/exe", \["podpilot", "pull"/ { pulls++; pid = $1; held = "" }
  pulls > 1 && pid { held = held $0 "\n" }
  $1 == pid && /exited with|killed by/ { pid = ""; next }
  $1 == pid { printf "%s", held; held = "" }' "$tmp/trace" >"$tmp/pulls"
expect_equal "$(grep -c '"podpilot", "pull"' "$tmp/pulls")" 4 "pulls after the first"
sed -nE 's|^[0-9]+ +[a-z0-9]+\(([A-Z0-9_]+, )?"(/[^"]*)".*|\2|p' "$tmp/pulls" | sort -u >"$tmp/resolved"
expect_grep '^/pod/cache$' "$tmp/resolved"
scratch='scratch(/pilot-[0-9a-f]+(/job-[0-9]+)?)?'
layer='v1/(layers|fixups)/[0-9a-f-]+/fs' # a job's tree is begun before its pull has quite ended
own="pod|pod/spool|pod/cache(/($scratch|$layer))?"
expect_equal "$(grep -vE "^/($own|(proc|sys|dev)/.*)\$" "$tmp/resolved")" "" \
  "resolved while a pull runs"
