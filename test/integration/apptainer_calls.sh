#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# podpilot called as apptainer, as HTCondor's condor_starter does, and as it should not be.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_image
push "$cached" busybox:1
busybox_layer
mkdir "$tmp/folder" "$tmp/bin"
tar --extract --file "$cached" --directory "$tmp/folder"
mkdir -p "$tmp/tested/.singularity.d"
printf '#!/bin/sh\necho the image tests itself\nexit ${1:-9}\n' >"$tmp/tested/.singularity.d/test"
printf '#!/bin/sh\necho runs: "$@"\n' >"$tmp/tested/.singularity.d/runscript"
chmod 755 "$tmp"/tested/.singularity.d/*
make_image "$tmp/tested.oci" gzip "$cached" "$tmp/tested" -- --config.env PATH=/bin
push "$tmp/tested.oci" tested:1
image=docker://$registry/busybox:1

# Its name decides, by link and by copy.
ln -s "$program" "$tmp/bin/apptainer"
cp "$program" "$tmp/bin/singularity"
apptainer() { as_user "${pilot_env[@]}" "$tmp/bin/apptainer" "$@"; }
expect_exit 0 apptainer --version
expect_grep '^podpilot [0-9.]+ as apptainer$' "$out"
expect_exit 0 as_user "$tmp/bin/singularity" version
expect_grep '^podpilot [0-9.]+ as singularity$' "$out"

# The probes of the startd, in an empty environment.
probe() { as_user env -i "$tmp/bin/apptainer" exec --cache "$cache" "$@"; }
expect_exit 37 probe -C "$tmp/folder" /bin/sh -c 'exit 37'
expect_exit 37 probe --contain --ipc --cleanenv "$tmp/folder" /bin/sh -c 'exit 37'
printf 'SIF' >"$tmp/exit_37.sif"
expect_error image-unsupported "$tmp/exit_37.sif: a SIF image cannot be read" \
  probe -C "$tmp/exit_37.sif" /exit_37
cp "$tmp/exit_37.sif" "$tmp/exit_37"
expect_error image-unsupported "$tmp/exit_37 is a file" probe -C "$tmp/exit_37" /exit_37
expect_error image-not-found "no folder $tmp/none" probe -C "$tmp/none" /exit_37

# The test before a job: pulls, makes the sandbox, runs what the image has for a test, if anything.
expect_exit 0 apptainer -s -q test -C "$image"
expect_equal "$(cat "$out" "$err")" '' 'what a test says'
expect_exit 9 apptainer -s -q test -C "docker://$registry/tested:1"
expect_out 'the image tests itself'
expect_error image-not-found MANIFEST_UNKNOWN apptainer -s -q test -C "docker://$registry/nothing:1"
expect_exit 125 apptainer -s -q test -C -B /none:/data "$image"
expect_grep '^podpilot apptainer: .*/none' "$err"

# run: the image's own program; exec: this one.
cp -r "$tmp/tested/.singularity.d" "$tmp/folder/"
expect_exit 0 apptainer run -C "$tmp/folder" a 'b c'
expect_out 'runs: a b c'
expect_exit 3 apptainer exec -C "$image" sh -c 'exit 3'
expect_exit 127 apptainer exec -C "$image" /bin/none
expect_exit 126 apptainer exec -C "$image" /etc/passwd
expect_exit 143 apptainer exec -C "$image" sh -c 'kill -TERM $$'

# As a job: the caller's ids, the folder at its own path, /tmp below it, only prefixed variables.
job=$tmp/work/dir_1
mkdir "$job"
echo in-data >"$job/in.txt"
give_user "$job" "$job/in.txt"
as_job() { # FLAG-OR-ARGUMENT...
  as_user "${pilot_env[@]}" FOO=outside APPTAINERENV_FOO=inside SINGULARITYENV_BAR=bar OTHER=other \
    APPTAINER_CACHEDIR="$job" PODPILOT_CACHE=/none PODPILOT_SANDBOX=none PODPILOT_READ_ONLY=1 \
    XDG_CACHE_HOME=/none DOCKER_CONFIG=/none \
    "$tmp/bin/apptainer" -s exec -S /tmp -S /var/tmp -W "$job" --pwd "$job" -B "$job" \
    --home "$job" -C "$@"
}
expect_exit 0 as_job "$image" sh -ec 'cat in.txt; id -u; pwd; echo "$HOME $FOO $BAR${OTHER:-}"
  echo x >/tmp/file; echo y >/var/tmp/file; touch /made; echo out >out.txt'
expect_out "in-data
$(as_user id -u)
$job
$job inside bar"
expect_equal "$(<"$job/out.txt")" out
expect_equal "$(find "$job/.podpilot" -type f | sort)" \
  "$job/.podpilot/scratch/tmp/file
$job/.podpilot/scratch/var/tmp/file" 'files of /tmp and /var/tmp'
expect_exit 0 as_job --env FOO=flag -B "$tmp/folder/etc:/data:ro" "$image" \
  sh -c 'echo "$FOO"; cat /data/passwd >/dev/null && ! touch /data/x 2>/dev/null'
expect_out flag

# What the job may have put there does not lead elsewhere.
mkdir "$tmp/work/victim" "$tmp/work/dir_2"
ln -s "$tmp/work/victim" "$tmp/work/dir_2/.podpilot"
give_user "$tmp/work/victim"
expect_exit 125 apptainer exec -S /tmp -W "$tmp/work/dir_2" "$image" true
expect_grep '\.podpilot' "$err"
expect_equal "$(ls "$tmp/work/victim")" ''

# What is not known is named; what is known and cannot be done, too.
expect_exit 125 apptainer exec --writable "$image" true
expect_grep '^podpilot apptainer: unknown flag --writable; see --help$' "$err"
expect_exit 125 apptainer exec -B /etc:/data:image-src=/x "$image" true
expect_grep 'unknown bind option image-src=/x' "$err"
expect_exit 125 apptainer shell "$image"
expect_grep 'unknown command shell' "$err"
expect_exit 0 apptainer exec --nv --rocm "$image" true
expect_exit 0 apptainer --help
expect_grep '^  -B, --bind SOURCE' "$out"

# SIGTERM reaches the payload.
"${unprivileged[@]}" "${pilot_env[@]}" "$tmp/bin/apptainer" exec "$image" \
  sh -c 'trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done' >"$tmp/ready" 2>"$err" &
pid=$!
wait_for 20 test -s "$tmp/ready"
kill -TERM "$pid"
got=0
wait "$pid" || got=$?
expect_equal "$got" 5 'exit code after SIGTERM'
wait_for 10 no_processes
