#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What `podpilot run` limits: memory, processes, CPU time, disk, CPUs. Who is over ends with 137 and
# a reason, and leaves no process.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
busybox_layer
root=$tmp/root
mkdir -p "$root"
tar -x -C "$root" -f "$cached"
install -m 755 "$PODPILOT_BUILD/test/victims/eat" "$root/bin/eat"
ln "$root/bin/eat" "$root/bin/bomb$$" # its processes are told from those of other tests
over() { # SLUG RUN-ARGUMENT...
  local slug=$1
  shift
  expect_exit 137 run "$@"
  expect_equal "$(wc -l <"$err")" 1 "lines on stderr ($(<"$err"))"
  expect_grep "^podpilot run: .+ \\($slug\\): .+" "$err"
  [[ $slug == payload-over-disk ]] || expect_no_grep eaten "$out"
  no_processes || fail "left behind: $(processes)"
}

over payload-over-memory --memory 64MiB "$root" eat threads 1000 2
over payload-over-memory --memory 64MiB "$root" eat shm 1000
over payload-over-memory --memory 64MiB "$root" eat tree 1000 5
over payload-over-memory --memory 64MiB "$root" tail /dev/zero # grows by doubling
expect_exit 0 run --memory 64MiB "$root" eat share 40 8
over payload-over-disk --disk 8MiB -w /new "$root" eat disk 100
over payload-over-disk --disk 8MiB -w /new "$root" eat files 100
over payload-over-disk --disk 8MiB -w /new "$root" sh -c 'trap "" XFSZ; eat disk 9 2>/dev/null; sleep 60'
expect_exit 0 run --disk 8MiB --tmpfs /mem -w /mem "$root" sh -c 'dd if=/dev/zero of=f bs=1M count=7'

# One process, which the kernel counts, and several, which the watchdog adds up.
over payload-over-cpu-time --cpu-time 1s "$root" sh -c 'while :; do :; done'
over payload-over-cpu-time --cpu-time 2s "$root" \
  sh -c 'for i in 1 2 3 4 5 6; do sh -c "while :; do :; done" & done; wait'

expect_exit 0 run --cpus 1 "$root" nproc
expect_out 1
expect_exit 125 run --cpus 0 "$root" nproc
expect_exit 125 run --memory lots "$root" nproc

# The kernel refuses the tenth child of a shell that may have nine.
children() { # NUMBER
  run --pids-limit 10 "$root" sh -c 'for i in $(seq "$1"); do sleep 60 & done; kill -9 -1' sh "$1"
}
expect_exit 0 children 9
expect_exit 2 children 10
expect_grep "can't fork" "$err"

# A fork bomb of sessions of their own, in which nobody waits for anybody.
run --pids-limit 100 --time-limit 2s "$root" "bomb$$" bomb 0 >"$out" 2>"$err" &
bombs() { pgrep -c -x "bomb$$" || true; }
many() { (($(bombs) > 90)); }
wait_for 10 many
for _ in 1 2 3 4 5; do
  now=$(bombs)
  if ((now > 100)); then fail "$now processes under a limit of 100"; fi
done
status=0
wait $! || status=$?
expect_equal "$status" 124 "exit of the bomb"
expect_equal "$(bombs)" 0 "what is left of the bomb"
