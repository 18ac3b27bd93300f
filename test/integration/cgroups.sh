#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: long
# ctest: timeout 1800
# Jobs in control groups of their own, on kernels that have version 2 of them with controllers.
# By hand: KERNELS=trixie bash test/integration/cgroups.sh
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=test/kernels/vm.sh
. "$PODPILOT_SOURCE/test/kernels/vm.sh"
vm_needs
busybox_layer
vm_make_disk "$cached"
for suite in ${KERNELS:-bookworm forky}; do
  vm_kernel "$suite"
  status=0
  vm_run "$suite" 800 'bash test/kernels/cgroup_here.sh' || status=$?
  cat "$out"
  ((status == 0)) || fail "$vm_release: exit $status"
done
