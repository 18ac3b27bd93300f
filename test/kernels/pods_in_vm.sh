# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing inside of a virtual machine: pods as test/pods makes them, without a network. Their jobs
# have the image in the folder /image, which a pod finds at /pod/image.
# shellcheck source=test/pods/all_pods.sh
. "${BASH_SOURCE[0]%/*}/../pods/all_pods.sh" || exit
in_own_mounts "$0" "$@"

node=/node
runtime=(runc --root "$tmp/runc")
pod_cgroup=pods
pod_server=serve_nothing
pod_timeout=500 # the processor is emulated
pod_image=/pod/image
mkdir -p "$node/plain"
"$PODPILOT_SOURCE/scripts/pilot-root" "$node/links"
install -m 0111 "$PODPILOT" "$node/links/podpilot"
if [[ -w /sys/kernel/security/apparmor/.replace ]]; then
  apparmor_parser --replace "$PODPILOT_SOURCE/test/kernels/apparmor_default"
fi

make_vm_pod() { # NAME PART...
  make_pod "$@"
  mv /image "$pod/data/image"
}

remove_vm_pod() {
  mv "$pod/data/image" /image
  remove_pod
}
