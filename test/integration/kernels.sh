#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: long
# ctest: timeout 3600
# Pods on other kernels than this one: those of Debian's releases, and the AppArmor that they have.
# By hand: KERNELS=forky PODS=D2x bash test/integration/kernels.sh
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=test/kernels/vm.sh
. "$PODPILOT_SOURCE/test/kernels/vm.sh"
pods_source=$PODPILOT_SOURCE/test/pods
# shellcheck source=test/pods/image.sh
. "$pods_source/image.sh"
vm_needs

# Few files: each job of most rungs has a tree of its own of them.
from_cache layer-kernels make_package_layer base-files bash coreutils dash grep libc-bin libgomp1 sed \
  util-linux
mkdir "$tmp/image"
tar --extract --directory "$tmp/image" --file "$cached"
make_lower_layer "$tmp/image"
make_checks_layer "$tmp/image"
cp "$PODPILOT_SOURCE/test/kernels/few_attacks" "$tmp/image/opt/conformance/"
chown -hR 1000:1000 "$tmp/image"
vm_make_disk "$tmp/image"

table='| Linux | pod | rung | checks passed | attacks refused |
| --- | --- | --- | --- | --- |'
bad=
for suite in ${KERNELS:-bullseye bookworm forky}; do
  vm_kernel "$suite"
  vm_run "$suite" 1500 "PODS='${PODS:-}' bash test/kernels/pods_here.sh $suite" || bad+=" $vm_release"
  cat "$out"
  table+=$'\n'$(grep '^| ' "$out")
done
printf '%s\n' "$table"
[[ -z $bad ]] || fail "not as expected:$bad"
