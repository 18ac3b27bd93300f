#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A real condor_startd with podpilot for its apptainer: container universe jobs as HTCondor's own
# starter runs them.
# ctest: timeout 300
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs root userns docker-registry python3
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"

start_registry
busybox_image
push "$cached" busybox:1
busybox_layer
make_image "$tmp/greeting" gzip "$cached" -- --config.env PATH=/bin \
  --config.cmd echo --config.cmd 'hello from the image'
push "$tmp/greeting" greeting:1

pool up
pool startd up --runtime "$PODPILOT" \
  'SINGULARITY_EXTRA_ARGUMENTS = "--cache /home/pilot/cache"'

# Detected as apptainer, but for SIF, which podpilot does not read.
expect_equal "$(pool run condor_status -af HasSingularity HasContainer HasDockerURL HasSandboxImage HasSIF)" \
  'true true true true undefined' 'what the slot says of itself'

mkdir "$jobs/image" "$jobs/more"
tar --extract --file "$cached" --directory "$jobs/image"
echo in-data >"$jobs/in.txt"
echo 'deep data' >"$jobs/more/deep file"
cat >"$jobs/job.sh" <<'END'
#!/bin/sh
cat in.txt "more/deep file"
echo "uid $(id -u), $# arguments: $*, FOO=$FOO"
echo "below $(pwd | sed 's/dir_[0-9]*/DIR/'), image's PATH $PATH"
test "$_CONDOR_SCRATCH_DIR" = "$(pwd)" && test "$TMPDIR" = "$(pwd)" && echo scratch
grep -q '^ContainerImage' "$_CONDOR_JOB_AD" && echo ad
test -z "$(ls /tmp /var/tmp | grep -v :)" && echo x >/tmp/file && echo y >/var/tmp/file && echo tmp
echo result >out.txt
mkdir -p outdir/sub && echo 'deep result' >outdir/sub/file
echo to-stderr >&2
exit "$3"
END
chmod 755 "$jobs/job.sh"
transfers=('executable = job.sh' 'transfer_input_files = in.txt, more'
  'transfer_output_files = out.txt, outdir' 'environment = "FOO='"'a b'"'"'
  'request_memory = 64' 'request_disk = 64MB')
container=('universe = container' 'should_transfer_files = yes')

submit_job docker "${container[@]}" "container_image = docker://$registry/busybox:1" \
  "${transfers[@]}" 'arguments = "one '"'two 2'"' 3"'
submit_job folder "${container[@]}" 'container_image = image' \
  "${transfers[@]}" 'arguments = "one '"'two 2'"' 0"'
submit_job target "${container[@]}" "container_image = docker://$registry/busybox:1" \
  'container_target_dir = /srv' "${transfers[@]}" 'arguments = "one '"'two 2'"' 7"'
submit_job greeting "${container[@]}" "container_image = docker://$registry/greeting:1"
submit_job inside "${container[@]}" "container_image = docker://$registry/greeting:1" \
  'transfer_executable = false' 'executable = /bin/echo' 'arguments = the image has it'

expect_job() { # NAME EXIT-CODE
  wait_for 120 has_left "$1"
  expect_equal "$(in_history "$1" JobStatus ExitCode NumJobStarts)" "4 $2 1" "status, exit code of $1"
}
expect_transferred() { # NAME EXIT-CODE PATH WORKDIR
  local dir=${folder[$1]} scratch=
  expect_job "$1" "$2"
  # From 24.7 on the scratch folder is a part of the execute folder.
  [[ $POOL_SUITE == trixie ]] || scratch=/scratch
  expect_equal "$(<"$dir/$1.out")" "in-data
deep data
uid 61501, 3 arguments: one two 2 $2, FOO=a b
below $4$scratch, image's PATH $3
scratch
ad
tmp" "output of $1"
  expect_equal "$(<"$dir/$1.err")" to-stderr "stderr of $1"
  expect_equal "$(<"$dir/out.txt")" result "a file of $1"
  expect_equal "$(<"$dir/outdir/sub/file")" 'deep result' "a folder's file of $1"
}
readonly default_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
expect_transferred docker 3 /bin /var/lib/condor/execute/DIR
expect_transferred folder 0 "$default_path" /var/lib/condor/execute/DIR
expect_transferred target 7 /bin /srv
expect_job greeting 0
expect_equal "$(<"${folder[greeting]}/greeting.out")" 'hello from the image'
expect_job inside 0
expect_equal "$(<"${folder[inside]}/inside.out")" 'the image has it'

# One cache for all of them, not one in the folder of each, which APPTAINER_CACHEDIR names.
cp "$program" "$POOL_HOME/startd/bin/podpilot"
expect_exit 0 pool startd run podpilot cache ls --json --cache /home/pilot/cache
expect_equal "$(jq -r '.references[]' "$out" | sort)" \
  "docker://$registry/busybox:1
docker://$registry/greeting:1" 'images in the cache'

nap=8$$ # tells this test's processes from others'
# A removed job takes all of its processes along.
submit_job endless "${container[@]}" "container_image = docker://$registry/busybox:1" \
  'transfer_executable = false' 'executable = /bin/sleep' "arguments = $nap"
running() { pgrep -f "^/bin/sleep $nap\$" >/dev/null; }
not_running() { ! running && ! pgrep -f "apptainer .* /bin/sleep $nap" >/dev/null; }
wait_for 120 running
pool run condor_rm "${cluster[endless]}" >"$out"
wait_for 60 not_running
expect_equal "$(in_history endless JobStatus)" 3 'status of a removed job'

# An image that is not there: the registry's words reach the user. What HTCondor makes of a test that
# fails differs: 23.9 tries again, as it does after any error; 25.14 knows the code for it.
submit_job missing "${container[@]}" "container_image = docker://$registry/nothing:1" "${transfers[@]}"
log=${folder[missing]}/job.log
wait_for 120 grep -q 'Job was evicted' "$log"
expect_grep 'Singularity test failed:podpilot apptainer: docker://.*/nothing:1: .*MANIFEST_UNKNOWN.*\(image-not-found\)' "$log"
[[ $POOL_SUITE == trixie ]] || expect_grep 'Code 45 ' "$log"
pool run condor_rm "${cluster[missing]}" >"$out"
