#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The program needs no file beside itself: it tells its version in a chroot that holds nothing else,
# and runs images in a root that has the kernel's own filesystems and nothing else.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root bwrap
start_registry
busybox_image
push "$cached" busybox:1
mkdir "$tmp/root" "$tmp/chroot"
install -m 755 "$PODPILOT" "$tmp/root/podpilot"
install -m 755 "$PODPILOT" "$tmp/chroot/podpilot"
give_user "$tmp/root"

expect_exit 0 chroot "$tmp/chroot" /podpilot version --json
expect_equal "$(jq -r .version "$out")" "$(podpilot version --json | jq -r .version)" version
expect_equal "$(ls -A "$tmp/chroot")" podpilot "what is in the root afterwards"

empty_root() {
  "${unprivileged[@]}" bwrap --unshare-user --unshare-pid --bind "$tmp/root" / --proc /proc --dev /dev \
    --clearenv /podpilot "$@"
}
expect_exit 0 empty_root doctor --cache /cache
expect_exit 7 empty_root run --cache /cache "docker://$registry/busybox:1" sh -c 'echo inside; exit 7'
expect_out inside
