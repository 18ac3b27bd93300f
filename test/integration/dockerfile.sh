#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: long
# ctest: timeout 3600
# The Dockerfile builds, on a plain Debian made on the spot (there is no registry to take one from),
# and its image holds the program, which nobody but root can read or replace, and pilot-root's names.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs root buildah mmdebstrap
context=$tmp/context
mkdir "$context"
git -C "$PODPILOT_SOURCE" ls-files -z |
  tar --create --directory "$PODPILOT_SOURCE" --null --files-from - | tar --extract --directory "$context"
buildah() {
  command buildah --root "$tmp/containers" --runroot "$tmp/containers.run" --storage-driver overlay "$@"
}

mmdebstrap --quiet --variant=minbase bookworm "$tmp/base.tar" 2>"$tmp/mmdebstrap.log"
base=$(buildah from scratch)
buildah add --quiet "$base" "$tmp/base.tar" / >"$tmp/buildah.log"
buildah commit --quiet --rm "$base" docker.io/library/debian:12 >>"$tmp/buildah.log"
rm "$tmp/base.tar"
buildah build --pull-never --isolation chroot --network host --tag podpilot "$context" \
  >>"$tmp/buildah.log" 2>&1
buildah push --quiet podpilot "oci:$tmp/image:image"
umoci raw unpack --image "$tmp/image:image" "$tmp/root"

"$PODPILOT_SOURCE/scripts/pilot-root" "$tmp/want"
install -m 0111 /dev/null "$tmp/want/podpilot"
listing() { (cd "$1" && find . -mindepth 1 -printf '%M %u %P %l\n' | sort); }
expect_equal "$(listing "$tmp/root")" "$(listing "$tmp/want")" "files of the image"
expect_equal "$(umoci stat --image "$tmp/image:image" --json | jq '.history | length')" 2 "history"
expect_equal "$(skopeo --insecure-policy inspect --config "oci:$tmp/image:image" | jq -c .config.Entrypoint)" \
  '["/podpilot"]'
expect_exit 0 chroot --userspec=1000:1000 "$tmp/root" /podpilot version
expect_grep '^podpilot [0-9]' "$out"
needs userns bwrap
start_registry
busybox_image
push "$cached" busybox:1
expect_exit 0 "${unprivileged[@]}" bwrap --unshare-user --unshare-pid \
  --ro-bind "$tmp/root/podpilot" /podpilot --bind "$tmp/work" /pod --proc /proc --dev /dev --clearenv \
  /podpilot run --cache /pod/cache "docker://$registry/busybox:1" echo flown
expect_out flown
