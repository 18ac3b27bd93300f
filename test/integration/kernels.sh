#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: long
# ctest: timeout 3600
# podpilot on other kernels than this one: pods of several kinds on those of Debian's releases.
# By hand: KERNELS="trixie" PODS="C D2x" bash test/integration/kernels.sh
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=test/kernels/vm.sh
. "$PODPILOT_SOURCE/test/kernels/vm.sh"
pods_source=$PODPILOT_SOURCE/test/pods
# shellcheck source=test/pods/image.sh
. "$pods_source/image.sh"
vm_needs

# Few files: each job of most rungs has a tree of its own of them.
from_cache layer-kernels make_package_layer base-files bash coreutils dash grep libc-bin procps sed
mkdir "$tmp/image"
tar --extract --directory "$tmp/image" --file "$cached"
make_lower_layer "$tmp/image"
make_checks_layer "$tmp/image"
cp "$PODPILOT_BUILD/test/victims/eat" "$tmp/image/opt/conformance/static/"
cat >"$tmp/image/opt/conformance/count_sleepers" <<'END'
#!/bin/bash
ps -eo comm= | grep -cx sleep || true
END
cp "$PODPILOT_SOURCE/test/kernels/few_attacks" "$PODPILOT_SOURCE/test/kernels/few_checks" "$tmp/image/opt/conformance/"
chmod 755 "$tmp"/image/opt/conformance/*
chown -R 1000:1000 "$tmp/image"
busybox_layer
vm_make_disk "$tmp/image" "$cached"

bad=
for suite in ${KERNELS:-bullseye bookworm trixie forky}; do
  vm_kernel "$suite"
  printf -- '--- %s\n' "$vm_release"
  vm_run "$suite" 1200 "PODS='${PODS:-}' bash test/kernels/pods_here.sh $suite" || bad+=" $vm_release"
  cat "$out"
done
[[ -z $bad ]] || fail "not as expected:$bad"
