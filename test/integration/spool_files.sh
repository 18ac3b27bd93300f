#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A job's inputs are copied at submit, files and folders; what it names as outputs comes back, a
# failed job's too; what it does not name stays behind and its folder is gone afterwards.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
image=$registry/busybox:1
mkdir -p "$tmp/job/data/deep"
echo one >"$tmp/job/one"
printf '#!/bin/sh\ncat "$1" >copied\n' >"$tmp/job/tool"
chmod 755 "$tmp/job/tool"
echo two >"$tmp/job/data/deep/two"
ln -s deep/two "$tmp/job/data/link"
echo elsewhere >"$tmp/elsewhere"

script='./tool one && mkdir results && cat data/link in/place >results/all && mkdir results/empty
  touch left; pwd; exit 4'
jq -n --arg image "$image" --arg script "$script" --arg elsewhere "$tmp/elsewhere" '{image: $image,
  inputs: ["one", "tool", "data", {source: $elsewhere, target: "in/place"}],
  command: ["sh", "-c", $script], outputs: ["copied", "results"]}' >"$tmp/job/job.json"
id=$(podpilot submit "$spool" "$tmp/job/job.json")
rm "$tmp/job/one"  # it has been copied
missing=$(submit "{\"image\": \"$image\", \"command\": [\"true\"], \"outputs\": [\"nowhere\"]}")
drain

expect_equal "$(job_field "$id" '"\(.state) \(.exit_code) \(.slug)"')" 'done 4 null'
expect_equal "$(<"$(job_field "$id" .stdout)")" /scratch "the job's folder"
outputs=$(job_field "$id" .outputs)
expect_equal "$(cd "$outputs" && find . | sort | xargs)" '. ./copied ./results ./results/all ./results/empty'
expect_equal "$(<"$outputs/copied")" one
expect_equal "$(<"$outputs/results/all")" $'two\nelsewhere'
expect_equal "$(job_field "$missing" '"\(.state) \(.slug)"')" 'failed payload-output-missing'
expect_equal "$(find "$cache/scratch" -name 'pilot-*' -printf '%f ')" '' "left in scratch"
