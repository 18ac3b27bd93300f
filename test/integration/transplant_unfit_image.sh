#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A job whose image has a name at its top that the pod's root cannot show is tried once there, and
# left to a pod that can.
# shellcheck source=test/integration/lib_pod.sh
. "$(dirname "$0")/lib_pod.sh" || exit
needs userns
start_registry
busybox_layer
mkdir -p "$tmp/odd/strange"
echo 'of the image' >"$tmp/odd/strange/file"
make_image "$tmp/odd.image" gzip "$cached" "$tmp/odd" -- --config.env PATH=/bin
push "$tmp/odd.image" odd:1
busybox_image
push "$cached" busybox:1

install -d -m 700 -o 1000 -g 1000 "$pod/spool"
spool=$pod/spool
submit_image() { # IMAGE ARGUMENT...
  submit "$(jq -n --arg image "docker://$registry/$1" '{image: $image, args: $ARGS.positional}' \
    --args "${@:2}")"
}

odd=$(submit_image odd:1 cat /strange/file)
also=$(submit_image odd:1 true)
fit=$(submit_image busybox:1 true)
# Long enough for it to come back to the job, as it would after 2 s and after 4 s.
expect_exit 0 in_pod_podpilot pilot --scheduler spool:/spool \
  --cache /pod/cache --sandbox transplant --idle-exit 8s
expect_equal "$(grep -c 'cannot show an image' "$err")" 1 "times it was said"
expect_grep "cannot show an image.*$registry/odd:1" "$err"
expect_equal "$(job_field "$odd" '"\(.state) \(.attempt) \(.strikes) \(.slug)"')" \
  'queued 1 1 sandbox-unavailable' "the job that was tried"
expect_grep 'RUN ln -s /pod/live/strange /strange' <(job_field "$odd" .text)
expect_equal "$(job_field "$also" '"\(.state) \(.attempt)"')" 'queued 0' "one of the same image"
expect_equal "$(job_field "$fit" .state)" "done" "a job of another image"

drain --sandbox userns
for id in "$odd" "$also"; do
  expect_equal "$(job_field "$id" '"\(.state) \(.exit_code)"')" 'done 0' "in a pod that can"
done
expect_equal "$(<"$(job_field "$odd" .stdout)")" 'of the image' stdout
