# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing, after scripts/lib/images.sh. The images that scripts/bench pulls, of this release's
# packages: `slim`, a base system in one layer, and `scipy`, a Python with its science in nine, of
# which the last two are made of what images do to each other: whiteouts, links, odd modes and names.

make_base_tar() { # TAR STATUS
  local root=$1.root
  mmdebstrap --quiet --variant=minbase "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root" \
    >"$1.log" 2>&1 || { tail "$1.log" >&2 && return 1; }
  cp "$root/var/lib/dpkg/status" "$2" || return
  rm -rf "${root:?}"/usr/share/{doc,man,info,locale,lintian} "${root:?}"/{var/lib/apt,var/cache/apt,dev}
  mkdir "$root/dev"
  make_layer "$1" "$root" && rm -rf "$root"
}

# What PACKAGE... add to the packages of STATUS, which then has them too; merged into /usr, as the base.
make_added_tar() { # TAR STATUS PACKAGE...
  local tar=$1 status=$2 root=$1.root archives=$1.archives package folder
  shift 2
  mkdir -p "$root/usr" "$archives/partial"
  apt-get -q -y -o "Dir::State::status=$status" -o "Dir::Cache::archives=$archives" \
    -o "APT::Sandbox::User=$(id -un)" -o Debug::NoLocking=1 \
    --no-install-recommends --download-only install "$@" >"$tar.log" 2>&1 ||
    { tail "$tar.log" >&2 && return 1; }
  for package in "$archives"/*.deb; do
    dpkg-deb --extract "$package" "$root" || return
    { dpkg-deb --field "$package" && printf 'Status: install ok installed\n\n'; } >>"$status"
  done
  for folder in bin sbin lib lib64; do
    if [[ -d $root/$folder ]]; then cp -a "$root/$folder/." "$root/usr/$folder/" && rm -r "${root:?}/$folder"; fi
  done
  make_layer "$tar" "$root" && rm -rf "$root" "$archives"
}

make_odd_tar() { # TAR
  local root=$1.root i name
  mkdir -p "$root"/odd/{links,modes,names,gone,opaque}
  echo linked >"$root/odd/links/0"
  for i in {1..200}; do ln "$root/odd/links/0" "$root/odd/links/$i"; done
  ln -s /nowhere "$root/odd/links/dangling" && ln -s loop "$root/odd/links/loop"
  echo secret >"$root/odd/modes/suid" && chmod 4755 "$root/odd/modes/suid"
  printf -v name '%0200d' 1
  mkdir -p "$root/odd/names/$name/$name" && echo long >"$root/odd/names/$name/$name/file"
  echo utf8 >"$root/odd/names/naïve ☃"
  head -c 16M /dev/zero >"$root/odd/zeros"
  echo 1 >"$root/odd/gone/a" && echo 2 >"$root/odd/opaque/b"
  tar --create --file "$1" --directory "$root" --sort=name --mtime=@1700000000 --format=pax \
    --numeric-owner --owner=0 --group=0 .
}

make_whiteouts_tar() { # TAR
  local root=$1.root
  mkdir -p "$root"/odd/{gone,opaque}
  : >"$root/odd/gone/.wh.a"
  : >"$root/odd/opaque/.wh..wh..opq" && echo new >"$root/odd/opaque/c"
  make_layer "$1" "$root"
}

# The makers' own text, which from_cache cannot see.
makers=$(sha256sum <"${BASH_SOURCE[0]}")

make_slim() { # LAYOUT
  make_base_tar "$1.tar" "$1.status" && make_image "$1" gzip "$1.tar" -- --config.cmd sh
}

make_scipy() { # LAYOUT
  local work=$1.layers group number=1
  mkdir -p "$work"
  make_base_tar "$work/0.tar" "$work/status" || return
  for group in python3 'python3-numpy python3-scipy' python3-pandas python3-matplotlib \
    python3-sklearn 'python3-sympy python3-astropy'; do
    # shellcheck disable=SC2086  # packages
    make_added_tar "$work/$number.tar" "$work/status" $group || return
    number=$((number + 1))
  done
  make_odd_tar "$work/$number.tar" && make_whiteouts_tar "$work/$((number + 1)).tar" || return
  make_image "$1" gzip "$work"/[0-9].tar -- --config.cmd sh --config.env IMG=1 || return
  rm -rf "$work"
}

as_zstd() { # LAYOUT FROM
  cp -r "$2" "$1" && recompress "$1" --dest-compress-format zstd "oci:$1.new:image"
}

slim_image() { # sets `cached`
  from_cache bench-slim make_slim "$makers"
}

scipy_image() { # sets `cached`
  from_cache bench-scipy make_scipy "$makers"
}

scipy_zstd_image() { # sets `cached`
  # shellcheck disable=SC2154  # by scipy_image
  scipy_image && from_cache bench-scipy-zstd as_zstd "$cached"
}
