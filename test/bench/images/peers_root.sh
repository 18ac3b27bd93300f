# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing. The programs that podpilot is measured beside, the newest that Debian has, in a root of
# their own that is kept as a tarball outside the source tree.

# shellcheck source=scripts/lib/mirror.sh
. "$PODPILOT_SOURCE/scripts/lib/mirror.sh"
# shellcheck source=scripts/lib/own_root.sh
. "$PODPILOT_SOURCE/scripts/lib/own_root.sh"

# A mirror may be a snapshot, whose lists have expired.
make_peers_root() { # TAR
  local mirror
  mirror=$(mirror)
  # shellcheck disable=SC2016  # for mmdebstrap's shell
  mmdebstrap --quiet --variant=essential --format=tar \
    --include=podman,crun,netavark,skopeo,umoci,bubblewrap,charliecloud,apptainer,crane,uidmap \
    --include=mount,ca-certificates,curl,isal,zstd,python3,procps,squashfs-tools \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='echo user:x:1000:1000::/bench/home:/bin/sh >>"$1/etc/passwd"' \
    --customize-hook='echo user:x:1000: >>"$1/etc/group"' \
    --customize-hook='echo user:100000:65536 | tee "$1/etc/subuid" >"$1/etc/subgid"' \
    --customize-hook='mkdir "$1/bench"' \
    sid "$1" ${mirror:+"$mirror"}
}

peers_root() { # sets `cached`
  from_cache bench-peers make_peers_root
}

# The first process of a pid namespace of its own: what COMMAND leaves behind ends with it.
enter_peers_root() { # ROOT DISK COMMAND...
  # shellcheck disable=SC2016  # expanded inside
  unshare --mount --pid --fork --kill-child bash -c '
    set -e
    root=$1 disk=$2
    shift 2
    mount --bind "$root" "$root"
    mount_system "$root"
    mount --bind "$disk" "$root/bench"
    enter_root "$root"
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
  ' bash "$@"
}
