# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing. Images for the demo and the tests, made on the spot of the distribution's packages
# by umoci and skopeo, and kept outside the source tree: the next run takes them from there.

image_cache=${PODPILOT_BUILD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/podpilot}/images
[[ $image_cache == /* ]] || image_cache=$PWD/$image_cache

# What "MAKER PATH ARGUMENT..." makes at PATH, made once. Sets `cached` to the path. The text of the
# functions here and the machine's release are part of its name.
from_cache() { # NAME MAKER ARGUMENT...
  local name=$1 maker=$2 work key
  shift 2
  key=$({
    declare -f "$maker" make_layer recompress
    printf '%s\n' "$@"
    uname -m
    grep -E '^(ID|VERSION_ID)=' /etc/os-release
  } | sha256sum)
  cached=$image_cache/$name-${key:0:12}
  if [[ -e $cached ]]; then return; fi
  mkdir -p "$image_cache"
  work=$(mktemp -d "$image_cache/.work.XXXXXX")
  if ! "$maker" "$work/out" "$@"; then
    rm -rf "$work"
    return 1
  fi
  # Somebody else may have been faster: theirs is as good.
  mv --no-target-directory "$work/out" "$cached" 2>/dev/null || [[ -e $cached ]]
  rm -rf "$work"
}

# --- layers ---------------------------------------------------------------------------------------

make_layer() { # TAR FOLDER: what is in the folder, as root's
  tar --create --file "$1" --directory "$2" --sort=name --mtime=@1700000000 \
    --numeric-owner --owner=0 --group=0 --mode=u+rw,go-w .
}

make_busybox_layer() { # TAR
  local root=$1.root applet busybox
  busybox=$(command -v busybox)
  mkdir -p "$root"/{bin,etc,root,home/user,var/tmp}
  mkdir -m 1777 "$root/tmp"
  cp "$busybox" "$root/bin/busybox"
  for applet in $("$busybox" --list); do
    [[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
  done
  printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\nuser:x:1000:\nextra:x:2000:user\n' >"$root/etc/group"
  make_layer "$1" "$root"
}

# Packages with all that they depend on, resolved as on an empty machine.
make_package_layer() { # TAR PACKAGE...
  local tar=$1 root=$1.root archives=$1.archives package
  shift
  mkdir -p "$root" "$archives/partial"
  : >"$tar.status"
  apt-get -q -y -o "Dir::State::status=$tar.status" -o "Dir::Cache::archives=$archives" \
    -o "APT::Sandbox::User=$(id -un)" -o Debug::NoLocking=1 \
    --no-install-recommends --download-only install "$@" >"$tar.log" 2>&1 ||
    { tail "$tar.log" >&2 && return 1; }
  # base-files has the root's own symlinks where a release has merged /usr.
  for package in "$archives"/base-files_*.deb "$archives"/*.deb; do
    dpkg-deb --extract "$package" "$root" || return
  done
  rm -rf "$root"/usr/share/{doc,man,info,locale,lintian}
  make_layer "$tar" "$root"
}

# A system with package manager and its database, and below /srv/packages a repository that apt takes
# from there: what PACKAGE... and their dependencies add to the system.
make_apt_layer() { # TAR PACKAGE...
  local tar=$1 root=$1.root
  shift
  # shellcheck disable=SC2016  # for mmdebstrap's shell
  mmdebstrap --variant=apt \
    --customize-hook='chroot "$1" apt-get -q -y --no-install-recommends --download-only install '"$*" \
    --customize-hook='mkdir "$1/srv/packages" && mv "$1"/var/cache/apt/archives/*.deb "$1/srv/packages/"' \
    "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root" >"$tar.log" 2>&1 ||
    { tail "$tar.log" >&2 && return 1; }
  (cd "$root/srv/packages" && dpkg-scanpackages . >Packages 2>>"$tar.log") || return
  rm -rf "$root"/etc/apt/sources.list* "$root"/usr/share/{doc,man,info,locale,lintian}
  echo 'deb [trusted=yes] file:/srv/packages ./' >"$root/etc/apt/sources.list"
  make_layer "$tar" "$root"
}

busybox_layer() { # sets `cached`
  from_cache layer-busybox make_busybox_layer
}

python3_layer() { # sets `cached`
  from_cache layer-python3 make_package_layer base-files python3-minimal
}

# --- images ---------------------------------------------------------------------------------------
readonly image_time=2024-01-01T00:00:00Z

# An OCI layout at LAYOUT, tag "image", of tars and folders, lowest first.
make_image() { # LAYOUT gzip|zstd|plain LAYER... [-- UMOCI-CONFIG-OPTION...]
  local layout=$1 compression=$2 layer
  shift 2
  rm -rf "$layout"
  umoci init --layout "$layout" && umoci new --image "$layout:image" || return
  while (($#)) && [[ $1 != -- ]]; do
    layer=$1
    if [[ -d $layer ]]; then
      make_layer "$layout.tar" "$1" || return
      layer=$layout.tar
    fi
    umoci raw add-layer --history.created "$image_time" --image "$layout:image" "$layer" || return
    shift
  done
  rm -f "$layout.tar"
  umoci config --no-history --created "$image_time" --image "$layout:image" "${@:2}" || return
  umoci gc --layout "$layout" || return
  case $compression in # umoci knows gzip only
    zstd) recompress "$layout" --dest-compress-format zstd "oci:$layout.new:image" ;;
    plain) recompress "$layout" --dest-decompress "dir:$layout.new" ;;
  esac
}

recompress() { # LAYOUT SKOPEO-OPTION... TRANSPORT:PLACE
  local layout=$1 made=${!#}
  shift
  skopeo --insecure-policy copy --quiet "${@:1:$#-1}" "oci:$layout:image" "$made" || return
  rm -rf "$layout"
  skopeo --insecure-policy copy --quiet --preserve-digests "$made" "oci:$layout:image" || return
  rm -rf "$layout.new"
}

# The image at LAYOUT as an index of several: one LAYOUT for each platform.
make_index() { # LAYOUT PART-LAYOUT...
  local layout=$1 part manifest blob platform entries=() index
  shift
  mkdir -p "$layout/blobs/sha256"
  for part in "$@"; do
    cp "$part"/blobs/sha256/* "$layout/blobs/sha256/"
    manifest=$(jq -c '.manifests[0] | {mediaType, digest, size}' "$part/index.json") || return
    blob=$(jq -r .digest <<<"$manifest")
    blob=$(jq -r .config.digest "$part/blobs/sha256/${blob#sha256:}") || return
    platform=$(jq -c '{os, architecture}' "$part/blobs/sha256/${blob#sha256:}") || return
    entries+=("$(jq -c --argjson platform "$platform" '. + {platform: $platform}' <<<"$manifest")")
  done
  index=$layout/blobs/sha256/index
  printf '%s\n' "${entries[@]}" | jq -cs '{schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json", manifests: .}' >"$index" || return
  blob=$(sha256sum <"$index")
  blob=${blob%% *}
  jq -cn --arg digest "sha256:$blob" --argjson size "$(stat -c %s "$index")" '{schemaVersion: 2,
    manifests: [{mediaType: "application/vnd.oci.image.index.v1+json", digest: $digest, size: $size,
      annotations: {"org.opencontainers.image.ref.name": "image"}}]}' >"$layout/index.json"
  mv "$index" "$layout/blobs/sha256/$blob"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
}

# As it is, to the last byte; with docker instead, as `docker push` would have written it.
push_image() { # LAYOUT HOST/REPO:TAG [docker] [SKOPEO-OPTION...]
  local layout=$1 target=$2 how=(--preserve-digests)
  shift 2
  if [[ ${1:-} == docker ]]; then
    how=(--format v2s2)
    shift
  fi
  skopeo --insecure-policy copy --quiet --all --dest-tls-verify=false "${how[@]}" "$@" \
    "oci:$layout:image" "docker://$target"
}

busybox_image() { # sets `cached`
  busybox_layer &&
    from_cache busybox make_image gzip "$cached" -- --config.cmd sh --config.env PATH=/bin
}

# Debian or Ubuntu as one knows it, where uuid-runtime, which adds a system user, can be installed.
apt_image() { # sets `cached`
  from_cache layer-apt make_apt_layer uuid-runtime &&
    from_cache apt make_image gzip "$cached" -- --config.cmd bash
}

python3_image() { # sets `cached`
  python3_layer && from_cache python3 make_image zstd "$cached" -- --config.cmd python3
}
