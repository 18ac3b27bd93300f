#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a Job's controller and a kubelet are told when a pilot ends: 0 where it did what it was there for,
# 125 where another pod may do better, 78 where none can; and why, in /dev/termination-log.
# shellcheck source=test/integration/lib_pod.sh
. "$(dirname "$0")/lib_pod.sh" || exit
mkdir -m 777 "$pod/spool"
spool=$pod/spool/user
install -d -m 700 -o 1000 -g 1000 "$spool"
fly=(pilot --cache /pod/cache --sandbox transplant)
spool_pilot=("${fly[@]}" --scheduler spool:/spool/user)

# Of a pilot that failed that is its last line, with all that people are told.
expect_end() { # CODE WHY ARGUMENT...
  printf 'of the last container' >"$termination_log"
  expect_exit "$1" in_pod_podpilot "${@:3}"
  expect_grep "^$2$" "$termination_log"
  if [[ $1 != 0 ]]; then expect_equal "$(<"$termination_log")" "$(tail -n 1 "$err")" "the kubelet's line"; fi
}
expect_end 0 'idle for as long as was allowed' "${spool_pilot[@]}" --idle-exit 1s
expect_end 0 'there are no more jobs' "${spool_pilot[@]}" --drain
expect_end 0 'accepted jobs for as long as was allowed' "${spool_pilot[@]}" --accept-for 1s

in_pod_podpilot "${spool_pilot[@]}" >"$tmp/drained.log" 2>&1 &
wait_for 20 grep -q 'pilot starts' "$tmp/drained.log"
kill -TERM "$(pgrep -P "$(pgrep -P $!)" -x podpilot)"
wait $! || fail "a drained pilot ended with $?"
expect_grep '^told to by a signal$' "$termination_log"

# Every pod of a Job has these options.
wrong='podpilot pilot: .*'
expect_end 78 "${wrong}option \"no-such-option\" .*" "${spool_pilot[@]}" --no-such-option
expect_end 78 "$wrong--idle-exit \"soon\": must be a time.*" "${spool_pilot[@]}" --idle-exit soon
expect_end 78 "$wrong--scheduler is missing.*" "${fly[@]}"
expect_end 78 "$wrong--token-file is missing.*" "${fly[@]}" --scheduler htcondor://127.0.0.1
expect_end 78 "$wrong--require-isolation.*" "${spool_pilot[@]}" --require-isolation everything
as_user=("${as_pod_user[@]}")
as_pod_user=("${as_user[@]:0:3}" PODPILOT_CPUS=several "${as_user[@]:3}")
expect_end 78 "$wrong--cpus \"several\": must be a whole number" "${spool_pilot[@]}"
as_pod_user=("${as_user[@]}")

# A pod of another node, or a minute later, may have what this one lacks.
expect_end 125 "$wrong\(sandbox-unavailable\): .*" "${spool_pilot[@]}" --require-isolation pids
expect_end 125 "$wrong--jobs 2: this pod's sandbox .*" "${spool_pilot[@]}" --jobs 2
chmod 755 "$pod/spool"
expect_end 125 "$wrong\(scheduler-unavailable\): .*" "${fly[@]}" --scheduler spool:/spool/other
expect_end 125 "${wrong}for want of a scheduler: .* \(scheduler-unavailable\): .*" "${fly[@]}" \
  --scheduler htcondor://127.0.0.1:1 --token-file /secrets/token --idle-exit 1s
