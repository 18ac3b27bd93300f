#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A payload gets descriptors 0, 1 and 2 and no other, whatever podpilot itself was started with.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
image=docker://$registry/busybox:1

exec 5</etc/passwd 9>"$tmp/nine" 77<>"$tmp/many"
expect_exit 0 run -v "$PODPILOT_BUILD/test/victims:/victims:ro" "$image" /victims/fds
expect_equal "$(cut -d' ' -f1 "$out" | xargs)" '0 1 2' "descriptors"
id=$(submit "{\"image\": \"$image\", \"command\": [\"sh\", \"-c\", \"ls /proc/\$\$/fd; true\"]}")
start_pilot --drain
wait_for 20 job_is "$id" "done"
expect_equal "$(xargs <"$(job_field "$id" .stdout)")" '0 1 2' "a job's descriptors"
