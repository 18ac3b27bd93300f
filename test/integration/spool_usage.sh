#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a job used is told for all of its processes: those that ended early, orphans and what it left
# running included. A job that is killed leaves none, however they were started.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns jq
mkdir -p "$tmp/eat/bin"
install -m 755 "$PODPILOT_BUILD/test/victims/eat" "$tmp/eat/bin/eat"
install -m 755 "$PODPILOT_BUILD/test/victims/act" "$tmp/eat/bin/act"
ln "$tmp/eat/bin/eat" "$tmp/eat/bin/bomb$$" # its processes are told from those of other tests
busybox_layer
make_image "$tmp/image" gzip "$cached" "$tmp/eat" -- --config.env PATH=/bin
start_registry
push "$tmp/image" eat:1
job() { # SCRIPT
  submit "$(jq -n --arg image "$registry/eat:1" --arg script "$1" --arg marker "$tmp/work" \
    '{image: $image, command: ["sh", "-c", $script, $marker]}')"
}
# act burn: 0.1 s of CPU time and 32 MiB.
children=$(job 'for i in 1 2 3 4 5; do act burn; done')
orphans=$(job 'for i in 1 2 3 4 5; do (setsid act burn &); done; sleep 3')
running=$(job 'for i in 1 2 3; do (while :; do :; done) & done; sleep 2')
tree=$(job '(eat tree 120 6 & sleep 3); kill -9 -1')
disk=$(job 'dd if=/dev/zero of=here bs=1M count=20 2>/dev/null; dd if=/dev/zero of=/root/there bs=1M count=10 2>/dev/null; ln here again')
killed=$(job 'kill -6 $$')
drain --jobs 1

cpu() { job_field "$1" "(.usage.user + .usage.system) as \$t | $2"; }
expect_equal "$(cpu "$children" '$t >= 0.5')" true "CPU time of children ($(job_field "$children" .usage))"
expect_equal "$(cpu "$orphans" '$t >= 0.5')" true "CPU time of orphans ($(job_field "$orphans" .usage))"
expect_equal "$(cpu "$running" '$t >= 0.3')" true "CPU time of what ran at the end ($(job_field "$running" .usage))"
mebibytes() { job_field "$1" ".usage.$2 / 1048576 | . >= $3 and . < $4"; }
expect_equal "$(mebibytes "$tree" peak_memory 115 140)" true "the peak of a tree ($(job_field "$tree" .usage))"
expect_equal "$(mebibytes "$tree" max_rss 15 40)" true "its largest process"
expect_equal "$(mebibytes "$disk" disk 30 32)" true "disk ($(job_field "$disk" .usage))"
expect_equal "$(job_field "$killed" '"\(.exit_code) \(.signal) \(.core_dumped)"')" 'null 6 false'

# Sessions of their own, orphans, stopped and deaf processes: all of it goes with a cancel.
stubborn=$(job 'trap "" TERM INT HUP
  (setsid sh -c "trap \"\" TERM; sleep 600 & sleep 600" "$0" &)
  (sh -c "kill -STOP \$\$; sleep 600" "$0" &)
  bomb'$$' bomb 0 & echo begun; sleep 600')
start_pilot --pids-limit 200
begun() { [[ $(cat "$cache"/scratch/*/*/files/_podpilot_stdout 2>/dev/null) == begun ]]; }
wait_for 20 begun
many() { (($(pgrep -c -x "bomb$$") > 90)); }
wait_for 20 many
expect_exit 0 podpilot cancel "$spool" "$stubborn"
wait_for 20 job_is "$stubborn" failed
kill -TERM "$pilot"
wait "$pilot" || fail "the pilot ended with $?"
no_processes || fail "left behind: $(processes)"
expect_equal "$(pgrep -c -x "bomb$$" || true)" 0 "what is left of the bomb"
