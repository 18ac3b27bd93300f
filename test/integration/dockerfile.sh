#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: long
# ctest: timeout 5400
# The Dockerfile builds, on a plain Debian made on the spot (there is no registry to take one from),
# and its image holds the program, which nobody but root can read or replace, and pilot-root's names.
# It comes out the same, byte for byte, with what this machine has compiled before and without.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs root buildah mmdebstrap
context=$tmp/context
mkdir "$context"
git -C "$PODPILOT_SOURCE" ls-files -z |
  tar --create --directory "$PODPILOT_SOURCE" --null --files-from - | tar --extract --directory "$context"
mkdir "$tmp/bin" "$tmp/images"
cat >"$tmp/bin/buildah" <<END
#!/bin/sh
exec $(command -v buildah) --root $tmp/containers --runroot $tmp/containers.run --storage-driver overlay "\$@"
END
chmod 755 "$tmp/bin/buildah"
PATH=$tmp/bin:$PATH
mounts+=("$tmp/containers/overlay") # by buildah, onto itself

mmdebstrap --quiet --variant=minbase --include=ccache bookworm "$tmp/base.tar" 2>"$tmp/mmdebstrap.log"
base=$(buildah from scratch)
buildah add --quiet "$base" "$tmp/base.tar" / >"$tmp/buildah.log"
buildah commit --quiet --rm "$base" docker.io/library/debian:12 >>"$tmp/buildah.log"
rm "$tmp/base.tar"
image() { # TAG OPTION...
  SOURCE_DATE_EPOCH=1700000000 "$context/scripts/image" --with buildah "$@" --pull-never \
    --isolation chroot --network host >>"$tmp/buildah.log" 2>&1
}
digest() { # TAG
  buildah push --quiet "$1" "oci:$tmp/images/$1:image" >>"$tmp/buildah.log"
  jq -r '.manifests[0].digest' "$tmp/images/$1/index.json"
}
build_cache=${PODPILOT_BUILD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/podpilot}
mkdir -p "$build_cache"
image podpilot --volume "$build_cache:/root/.cache/podpilot"
printf '\n' >>"$context/README.md" # says nothing to the build, and is a reason to do it again
image again
image debug --target debug --volume "$build_cache:/root/.cache/podpilot"

expect_equal "$(digest again)" "$(digest podpilot)" "digest of the second build"
size=$(du --bytes --summarize "$tmp/images/podpilot/blobs" | cut -f1)
((size < 14000000)) || fail "$size bytes to download"
umoci raw unpack --image "$tmp/images/podpilot:image" "$tmp/root"
size=$(stat --format %s "$tmp/root/podpilot")
((size < 14000000)) || fail "podpilot has $size bytes"

"$PODPILOT_SOURCE/scripts/pilot-root" "$tmp/want"
install -m 0111 /dev/null "$tmp/want/podpilot"
listing() { (cd "$1" && find . -mindepth 1 -printf '%M %U:%G %P %l\n' | sort); }
expect_equal "$(listing "$tmp/root")" "$(listing "$tmp/want")" "files of the image"
config() { # TAG JQ-FILTER
  skopeo --insecure-policy inspect --config "oci:$tmp/images/$1:image" | jq -c "$2"
}
expect_equal "$(config podpilot .config.Entrypoint)" '["/podpilot"]'

digest debug >/dev/null
expect_equal "$(config debug .config.Entrypoint)" '["/podpilot"]'
umoci raw unpack --image "$tmp/images/debug:image" "$tmp/debug-root"
cmp "$tmp/root/podpilot" "$tmp/debug-root/podpilot" || fail "another podpilot in the image to debug with"
expect_equal "$(config debug .config.Env)" '["SSL_CERT_FILE=/debug/ca-certificates.crt","PATH=/debug"]'
expect_exit 0 env --ignore-environment PATH=/debug "$(command -v chroot)" --userspec=1000:1000 \
  "$tmp/debug-root" sh -c 'grep -c BEGIN /debug/ca-certificates.crt'
(($(<"$out") > 100)) || fail "certificate authorities: $(<"$out")"
mkdir -p "$tmp/want/debug"
install -m 755 /dev/null "$tmp/want/debug/busybox"
for tool in $("$tmp/debug-root/debug/busybox" --list | grep -vx busybox); do
  ln -s busybox "$tmp/want/debug/$tool"
done
install -m 644 /dev/null "$tmp/want/debug/ca-certificates.crt"
expect_equal "$(listing "$tmp/debug-root")" "$(listing "$tmp/want")" "files of the image to debug with"

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
