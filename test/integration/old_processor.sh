#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: long
# ctest: timeout 600
# A processor of the level x86-64-v2 and no more, as virtual machines have it: what libraries compute
# by newer instructions elsewhere (PCLMULQDQ, AVX) is computed without.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=test/kernels/vm.sh
. "$PODPILOT_SOURCE/test/kernels/vm.sh"
vm_needs
busybox_layer
vm_make_disk "$cached"
vm_kernel bookworm
status=0
vm_run bookworm 300 'bash test/kernels/pull_here.sh' || status=$?
((status == 0)) || fail "$vm_release: exit $status: $(<"$out")"
