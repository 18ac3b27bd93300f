#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Where a job's image comes from and what of it counts: container universe, SingularityImage and the
# operator's default of vanilla jobs, folders, container_target_dir, no executable; jobs that ask for
# what is not there wait.
# ctest: long
# ctest: timeout 300
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root jq
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"
busybox_layer
make_image "$tmp/talks" gzip "$cached" -- --config.env PATH=/bin --config.env FROM=image \
  --config.env ALSO=image --config.entrypoint /bin/echo --config.entrypoint entrypoint --config.cmd cmd
start_registry
push "$tmp/talks" talks:1
# A folder that is a root filesystem, with a mark that tells it from the other image.
folder_image=$tmp/folder
mkdir -p "$folder_image"/{bin,tmp,proc,dev,etc}
for name in sh cat pwd; do cp "$(command -v busybox)" "$folder_image/bin/$name"; done
echo "the folder" >"$folder_image/mark"
chmod -R go+rX "$folder_image"
cp -r "$folder_image" "$jobs/root"

pool up
start_condor_pilot --cpus 2 --memory 1GiB --default-image "docker://$registry/talks:1"
usual=('request_cpus = 1' 'request_memory = 64' 'request_disk = 20480'
  'should_transfer_files = YES' 'when_to_transfer_output = ON_EXIT')
container=('universe = container' "container_image = docker://$registry/talks:1" "${usual[@]}")
shell=('executable = /bin/sh' 'transfer_executable = false')

submit_job bare "${container[@]}"
submit_job words "${container[@]}" 'arguments = of the job'
submit_job above "${container[@]}" "${shell[@]}" "environment = \"ALSO=job\"" \
  "arguments = \"-c 'echo \$FROM \$ALSO'\""
submit_job target "${container[@]}" "${shell[@]}" 'container_target_dir = /my/place' \
  "arguments = \"-c 'echo made >new; pwd; echo \$_CONDOR_SCRATCH_DIR'\""
submit_job folder 'universe = container' 'container_image = root' "${usual[@]}" "${shell[@]}" \
  "arguments = \"-c 'cat /mark'\""
submit_job default 'universe = vanilla' "${usual[@]}" "${shell[@]}" "arguments = \"-c 'echo \$FROM'\""
submit_job singularity 'universe = vanilla' "${usual[@]}" "${shell[@]}" \
  "+SingularityImage = \"$folder_image\"" "arguments = \"-c 'cat /mark'\""
on_success=("${container[@]}" 'when_to_transfer_output = ON_SUCCESS' 'executable = ends.sh' 'success_exit_code = 3' 'max_retries = 0'
  'transfer_output_files = made')
printf '#!/bin/sh\necho "ends with $1"\necho made >made\nexit "$1"\n' >"$jobs/ends.sh"
submit_job good "${on_success[@]}" 'arguments = 3'
submit_job bad "${on_success[@]}" 'arguments = 4'
submit_job docker 'universe = docker' "docker_image = docker://$registry/talks:1" "${usual[@]}" "${shell[@]}" \
  'arguments = "-c true"'
submit_job nowhere 'universe = vanilla' "+SingularityImage = \"$tmp/nowhere\"" "${usual[@]}" "${shell[@]}" \
  'arguments = "-c true"'

expect_result() { # NAME STDOUT [EXIT-CODE]
  wait_for 90 has_left "$1"
  expect_equal "$(in_history "$1" JobStatus ExitCode)" "4 ${3:-0}" "end of $1"
  expect_equal "$(cat "${folder[$1]}/$1.out")" "$2" "stdout of $1"
}
expect_result bare "entrypoint cmd"
expect_result words "entrypoint of the job"
expect_result above "image job"
expect_result target "/my/place
/my/place"
expect_equal "$(cat "${folder[target]}/new")" made "what came back from container_target_dir"
expect_result folder "the folder"
expect_result default "image"
expect_result singularity "the folder"
expect_result good "ends with 3" 3
expect_equal "$(cat "${folder[good]}/made")" made "outputs of a success"
expect_result bad "ends with 4" 4
[[ ! -e ${folder[bad]}/made ]] || fail "outputs of a job that did not succeed came back"
is_held() { [[ $(pool run condor_q "${cluster[$1]}" -af JobStatus) == 5 ]]; }
wait_for 60 is_held nowhere
pool run condor_q "${cluster[nowhere]}" -af HoldReason >"$out"
expect_grep "no folder|nowhere" "$out"
# Matched by nobody, though there is room.
expect_equal "$(pool run condor_q "${cluster[docker]}" -af JobStatus NumJobMatches NumShadowStarts)" \
  "1 undefined undefined" "the job of the docker universe"
kill -TERM "$pilot"
wait "$pilot" || fail "the pilot ended with $?"
