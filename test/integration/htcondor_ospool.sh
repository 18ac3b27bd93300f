#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A pilot that is told everything by the variables of OSPool's pilot container, and by no option: it
# joins, and its jobs see the site's folders and variables in an image of a mirror of docker.io.
# ctest: long
# ctest: timeout 240
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root jq
# shellcheck source=test/integration/lib_htcondor.sh
. "$(dirname "$0")/lib_htcondor.sh"
busybox_image
start_registry
push "$cached" cache/library/busybox:1
mkdir "$tmp/site" "$tmp/data"
echo "of the site" >"$tmp/site/file"
echo "of the data" >"$tmp/data/file"

pool up
variables=("CONDOR_HOST=127.0.0.1:$POOL_PORT" "TOKEN=$(pool token pilot@pool ADVERTISE_STARTD READ)" GLIDEIN_Site=Here ITB=true
  GLIDEIN_ResourceName=Here-k8s 'GLIDEIN_Start_Extra=TARGET.Owner == "tester"' GLIDEIN_RANDOMIZE_NAME=true
  NUM_CPUS=1 MEMORY=512 ACCEPT_IDLE_MINUTES=10 "SINGULARITY_BIND_EXTRA=$tmp/site,$tmp/data:/data:ro"
  "EXTRA_JOB_ENV=SITE_NAME='of two words' JOB_NAME=site" "APPTAINER_REGISTRY_MIRROR=$registry/cache"
  "PODPILOT_CACHE=$cache")
"${unprivileged[@]}" "${pilot_env[@]}" "${variables[@]}" "$program" >"$tmp/pilot.out" 2>"$tmp/pilot.log" &
pilot=$!
wait_for 30 slot_shows
pool run condor_status -af Name Cpus Memory GLIDEIN_Site GLIDEIN_ResourceName Is_ITB_Site >"$out"
expect_grep '^slot1@[0-9a-f]{10}\.[^ ]+ 1 512 Here Here-k8s true$' "$out"

submit_job all 'universe = container' 'container_image = docker://busybox:1' 'executable = /bin/sh' \
  'transfer_executable = false' 'request_cpus = 1' 'request_memory = 64' 'request_disk = 10240' \
  'should_transfer_files = YES' "environment = \"JOB_NAME='of the job'\"" \
  "arguments = \"-c 'cat $tmp/site/file /data/file; echo x 2>/dev/null >/data/new || echo refused; echo \$SITE_NAME; echo \$JOB_NAME'\""
wait_for 60 has_left all
expect_equal "$(cat "${folder[all]}/all.out")" "of the site
of the data
refused
of two words
of the job" "what the job saw"
kill -TERM "$pilot"
wait "$pilot" || fail "the pilot ended with $?"

# What the mirror lacks is asked of docker.io; what is no mirror, or no folder, is said at the start.
expect_exit 0 pull --registry-mirror "$registry/cache" busybox:1
expect_exit 125 pull --registry-mirror "$registry/cache" "$registry/nothing:1"
expect_no_grep 'a mirror does not give an image' "$err"
expect_exit 125 "${unprivileged[@]}" "${pilot_env[@]}" "HTTPS_PROXY=http://$registry" "$program" pull --cache "$cache" \
  --registry-mirror "$registry/cache" nothing:1
expect_grep 'a mirror does not give an image.*nothing' "$err"
expect_grep 'docker.io/library/nothing:1' "$err"
for wrong in 78:--registry-mirror=mirror 125:--bind=/nowhere/to/be/found; do
  code=${wrong%%:*} wrong=${wrong#*:}
  expect_exit "$code" podpilot pilot --scheduler "htcondor://127.0.0.1:$POOL_PORT" --token-file "$tmp/password" --cache "$cache" "$wrong"
  expect_grep "${wrong%%=*}" "$err"
done
