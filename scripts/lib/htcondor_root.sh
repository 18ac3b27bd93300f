# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing by scripts/htcondor-pool, which has say and die. Roots with a Debian suite's condor,
# made once and kept as tarballs outside the source tree.

# shellcheck source=scripts/lib/mirror.sh
. "${BASH_SOURCE[0]%/*}/mirror.sh"

install_tools() {
  local program missing=()
  for program in mmdebstrap zstd; do
    command -v "$program" >/dev/null || missing+=("$program")
  done
  ((${#missing[@]})) || return 0
  apt-get -q update >&2
  DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "${missing[@]}" >&2
}

# The suite's own lists say when they expire; a mirror may be a snapshot. The text is part of the
# tarball's name.
make_root() { # SUITE TAR VERSION-FILE
  local mirror
  mirror=$(mirror)
  # shellcheck disable=SC2016  # for mmdebstrap's shell
  mmdebstrap --quiet --variant=essential --include=condor,mount \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='echo tester:x:61500:61500::/home/tester:/bin/sh >>"$1/etc/passwd"' \
    --customize-hook='echo pilot:x:61501:61501::/home/pilot:/bin/sh >>"$1/etc/passwd"' \
    --customize-hook='printf "tester:x:61500:\npilot:x:61501:\n" >>"$1/etc/group"' \
    --customize-hook='mkdir "$1/var/spool/condor"' \
    --customize-hook='dpkg-query --admindir="$1/var/lib/dpkg" -W -f "\${Version}" condor >'"'$3'" \
    --format=tar "$1" "$2" ${mirror:+"$mirror"}
}

roots=${PODPILOT_BUILD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/podpilot}/htcondor
[[ $roots == /* ]] || roots=$PWD/$roots

root_ending() {
  local key
  key=$(declare -f make_root | sha256sum)
  printf '%s-%s.tar.zst' "$(uname -m)" "${key:0:12}"
}

newest_root() { # SUITE -> path, or nothing
  find "$roots" -maxdepth 1 -name "$1_*_$(root_ending)" 2>/dev/null | sort -V | tail -n 1
}

root_version() { # TARBALL -> SUITE_VERSION
  basename "$1" "_$(root_ending)"
}

fetch_root() { # SUITE
  local suite=$1 work
  install_tools
  mkdir -p "$roots"
  work=$(mktemp -d "$roots/.work.XXXXXX")
  # shellcheck disable=SC2064  # this folder
  trap "rm -rf '$work'" EXIT
  say "making a root with $suite's condor"
  make_root "$suite" "$work/root.tar" "$work/version" >&2 || die "mmdebstrap failed"
  zstd --quiet --rm "$work/root.tar"
  mv "$work/root.tar.zst" "$roots/${suite}_$(<"$work/version")_$(root_ending)"
  rm -rf "$work"
  trap - EXIT
}

# In FOLDER, the newest root of the suite that is kept, or a new one; FOLDER.from tells which.
unpack_root() { # SUITE FOLDER
  local tarball lock
  install_tools
  mkdir -p "$roots"
  exec {lock}>"$roots/.lock"
  flock "$lock" # somebody else may be making it
  tarball=$(newest_root "$1")
  if [[ -z $tarball ]]; then
    fetch_root "$1" {lock}>&-
    tarball=$(newest_root "$1")
  fi
  exec {lock}>&-
  if [[ -e $2.from && $(<"$2.from") == "$tarball" ]]; then return; fi
  rm -rf --one-file-system "$2" "$2.from"
  mkdir -p "$2"
  zstd --decompress --quiet --stdout "$tarball" |
    tar --extract --preserve-permissions --directory "$2"
  printf '%s' "$tarball" >"$2.from"
}
