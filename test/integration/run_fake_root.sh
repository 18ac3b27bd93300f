#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# --fake-root: what gives files and processes to other users works where only one user exists, and
# fails without. By hand and as a spool's job.
# ctest: timeout 400
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns mmdebstrap dpkg-scanpackages
start_registry
apt_image
push "$cached" apt:1
image=docker://$registry/apt:1
pull -q "$image" >"$out"

only_faked() { # WHAT IT SAYS WITHOUT, SCRIPT
  local got=0
  run "$image" sh -ec "$2" >"$out" 2>&1 || got=$?
  if ((got == 0)); then fail "works without --fake-root: $2"; fi
  expect_no_grep '^podpilot' "$out"
  expect_grep "$1" "$out"
  expect_exit 0 run --fake-root "$image" sh -ec "$2"
}

# A package whose installation adds a user and gives it a folder.
only_faked 'setgroups|seteuid|setresuid|Operation not permitted' \
  'apt-get -q update && apt-get -q -y install uuid-runtime &&
   uuidgen && id uuidd && dpkg-query --show --showformat="\${db:Status-Status}\n" uuid-runtime'
expect_grep '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' "$out"
expect_grep '^uid=[0-9]+\(uuidd\) ' "$out"
expect_grep '^installed$' "$out"

# An archive with others' files; modes are kept all the same.
only_faked 'Cannot change ownership' \
  'cd /tmp && echo text >file && chmod 640 file &&
   tar -cf archive.tar --owner=4711 --group=4712 file && rm file &&
   tar -xpf archive.tar && cat file && stat -c %a:%u file'
expect_out $'text\n640:0'

# As daemons drop their privileges: setgroups, setresgid, setresuid; setgroups, setgid, setuid.
only_faked 'set(resuid|resgid|groups) failed' \
  'setpriv --reuid=33 --regid=33 --clear-groups echo dropped'
expect_out dropped
only_faked 'failed to set|cannot set' 'chroot --userspec=www-data:www-data / echo dropped'
expect_out dropped

only_faked 'Operation not permitted' 'mknod /tmp/zero c 1 5 && mknod /tmp/disk b 8 0 && echo made'
expect_out made
expect_exit 0 run --fake-root "$image" sh -ec 'mkfifo /tmp/pipe && test -p /tmp/pipe'

# The image's own apt configuration is left alone unless asked.
expect_exit 0 run "$image" sh -c 'apt-config dump | grep -c "^APT::Sandbox::User .root" || true'
expect_out 0

job='{"image": "'$image'", "command": ["sh", "-ec"], "args": ["chown 4711 /tmp"]'
plain=$(submit "$job}")
faked=$(submit "$job, \"fake_root\": true}")
drain
expect_equal "$(job_field "$plain" .exit_code)" 1 "chown without fake_root"
expect_equal "$(job_field "$faked" .exit_code)" 0 "chown with fake_root"
