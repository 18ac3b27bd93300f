# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing, after test/integration/lib.sh: the image that runs in every pod of the test, a
# Debian with the checks and attacks in /opt/conformance.

make_conformance_packages() { # TAR
  make_package_layer "$1" base-files bash coreutils dash grep gdb-minimal libc-bin libgomp1 \
    procps python3 sed util-linux
}

# Below what the checks need: files for them to delete and to move.
make_lower_layer() { # FOLDER
  mkdir -p "$1"/{etc,tmp,root,opt/lower/folder,var/lower/folder}
  chmod 1777 "$1/tmp"
  printf 'root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000::/tmp:/bin/bash\n' >"$1/etc/passwd"
  printf 'root:x:0:\nuser:x:1000:\n' >"$1/etc/group"
  printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$1/etc/nsswitch.conf"
  touch "$1"/opt/lower/{deleted,moved,folder/below} "$1/var/lower/folder/below"
  echo 'in a lower layer' >"$1/var/lower/file"
}

make_checks_layer() { # FOLDER
  local to=$1/opt/conformance
  mkdir -p "$to/static" "$1/var/lower/folder"
  cp -r "$pods_source/conformance" "$to/checks"
  cc -O1 -Wall -fopenmp -o "$to/openmp" "$pods_source/openmp.c"
  cp "$pods_source"/run_{checks,leave,attacks,self} "$to/"
  cp "$PODPILOT_BUILD"/test/victims/{look,attack,attack_ipc,attack_path,attack_process,attack_service,attack_trace} "$to/static/"
  touch "$1/var/lower/folder/above"
}

conformance_image() { # LAYOUT
  from_cache layer-conformance make_conformance_packages
  make_lower_layer "$1.lower"
  make_checks_layer "$1.checks"
  make_image "$1" plain "$cached" "$1.lower" "$1.checks" -- --config.cmd bash \
    --config.env PATH=/usr/bin:/bin
}
