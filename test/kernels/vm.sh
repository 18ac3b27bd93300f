# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing, after test/integration/lib.sh. Other kernels: those of Debian's suites, unpacked from
# their packages and booted in qemu, with a system of this machine's release as the root folder. All of
# it is kept outside the source tree; a kernel is fetched once, `rm -r` of its folder fetches it anew.
# An emulated processor, because nothing else is there everywhere: some ten times slower.

vm_cache=${PODPILOT_BUILD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/podpilot}/kernels
[[ $vm_cache == /* ]] || vm_cache=$PWD/$vm_cache

readonly vm_modules=(virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci
  virtio_blk overlay loop fuse)
readonly vm_packages=(apparmor busybox-static docker-registry e2fsprogs gawk jq mount openssl procps
  python3 runc skopeo umoci util-linux)

vm_needs() { # installs what a machine with the other tests' tools may lack
  local missing=()
  needs root mmdebstrap busybox mkfs.ext4
  command -v qemu-system-x86_64 >/dev/null || missing+=(qemu-system-x86)
  command -v cpio >/dev/null || missing+=(cpio)
  [[ $(uname -m) == x86_64 ]] || skip "needs x86-64"
  ((${#missing[@]})) || return 0
  apt-get -q update >&2
  DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=900 install \
    --no-install-recommends "${missing[@]}" >&2
}

# What MAKER makes in a new folder, kept as FOLDER.
vm_kept() { # FOLDER MAKER ARGUMENT...
  local folder=$1 maker=$2 work lock
  mkdir -p "$vm_cache"
  exec {lock}>"$vm_cache/.lock"
  flock "$lock" # somebody else may be making it
  if [[ ! -e $folder ]]; then
    work=$(mktemp -d "$vm_cache/.work.XXXXXX")
    if ! "$maker" "$work" "${@:3}" {lock}>&- >"$tmp/${folder##*/}.log" 2>&1; then
      rm -rf "$work"
      fail "${folder##*/} cannot be made: $(tail -n 5 "$tmp/${folder##*/}.log")"
    fi
    mv "$work" "$folder"
  fi
  exec {lock}>&-
}

# --- a kernel -------------------------------------------------------------------------------------

# apt with one suite of this machine's mirror, and state of its own in FOLDER.
vm_suite() { # FOLDER SUITE
  local mirror
  # shellcheck disable=SC2016  # the fields are apt's
  mirror=$(apt-get indextargets --format '$(LABEL) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 == "main" { print $3; exit }')
  mkdir -p "$1"/{state/lists/partial,cache/archives/partial}
  echo "deb ${mirror:-http://deb.debian.org/debian} $2 main" >"$1/sources.list"
  suite_options=(-q -o "Dir::Etc::SourceList=$1/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State=$1/state" -o Dir::State::status=/dev/null -o "Dir::Cache=$1/cache"
    -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o APT::Sandbox::User=root)
  apt-get "${suite_options[@]}" update
}

# The cloud flavour has all that a virtual machine needs, in a fifth of the size.
vm_make_kernel() { # FOLDER SUITE
  local to=$1 work=$1/work suite_options=() packages package module file release
  vm_suite "$work" "$2" || return
  packages=$(apt-cache "${suite_options[@]}" depends --recurse --important linux-image-cloud-amd64 |
    grep -E '^linux-(image|binary|modules)-[0-9].*-cloud-amd64$' | sort -u) || return
  mkdir "$work/packages" "$work/root"
  # shellcheck disable=SC2086
  (cd "$work/packages" && apt-get "${suite_options[@]}" download $packages) || return
  for package in "$work"/packages/*.deb; do dpkg-deb --extract "$package" "$work/root" || return; done
  file=$(find "$work/root" -name 'vmlinuz*' -type f) && [[ -n $file ]] || return
  mv "$file" "$to/vmlinuz"
  release=$(basename "$(find "$work/root" -path '*/lib/modules/*' -maxdepth 4 -prune)")
  mkdir -p "$to/lib/modules/$release"
  for module in "${vm_modules[@]}"; do # what is not there is built in
    file=$(find "$work/root" -name "$module.ko*")
    case $file in
      *.ko) cp "$file" "$to/lib/modules/$release/" ;;
      *.xz) xz -dc "$file" >"$to/lib/modules/$release/$module.ko" ;;
      *.zst) zstd -qdc "$file" >"$to/lib/modules/$release/$module.ko" ;;
    esac
  done
  busybox depmod -b "$to" "$release" || return
  rm -rf "$work"
  printf '%s\n' "$release" >"$to/release"
}

vm_make_initramfs() { # FOLDER KERNEL: from the processor's start to the disk
  local to=$1 root=$1/root
  mkdir -p "$root"/{bin,proc,sys,dev,disk}
  cp "$(command -v busybox)" "$root/bin/busybox"
  cp -r "$2/lib" "$root/lib"
  cp "$PODPILOT_SOURCE/test/kernels/init" "$root/init"
  (cd "$root" && find . | cpio --quiet --create --format=newc --owner=0:0) >"$to/initramfs"
}

# --- a disk ---------------------------------------------------------------------------------------

vm_make_system() { # FOLDER
  local packages
  packages=$(printf ',%s' "${vm_packages[@]}")
  mmdebstrap --quiet --variant=minbase --include="${packages#,}" \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$1/system.tar"
}

# Sets `vm_disk`: the system, and in it the tests with what they need at the places where they are
# here. There is no network: LAYERS of the images that they make are taken along, and below `/` FOLDERS.
vm_make_disk() { # LAYER|FOLDER...
  local key root=$tmp/system path
  key=$({
    printf '%s\n' "${vm_packages[@]}"
    cat /etc/os-release
  } | sha256sum)
  vm_kept "$vm_cache/system-${key:0:12}" vm_make_system
  mkdir "$root"
  tar --extract --preserve-permissions --directory "$root" \
    --file "$vm_cache/system-${key:0:12}/system.tar"
  mkdir -p "$root"/{podpilot/build/test,podpilot/cache/images,etc}
  cp -r "$PODPILOT_SOURCE"/{test,scripts} "$root/podpilot/"
  cp "$PODPILOT" "$root/podpilot/build/podpilot"
  cp -r "$PODPILOT_BUILD/test/victims" "$root/podpilot/build/test/"
  for path in "$@"; do
    if [[ -d $path ]]; then mv "$path" "$root/"; else cp "$path" "$root/podpilot/cache/images/"; fi
  done
  cp /etc/os-release "$root/etc/os-release"
  install -m 755 "$PODPILOT_SOURCE/test/kernels/first" "$root/first"
  printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
  vm_disk=$tmp/disk.img
  truncate -s 12G "$vm_disk"
  mkfs.ext4 -q -d "$root" "$vm_disk"
  rm -rf "$root"
}

# --- a run ----------------------------------------------------------------------------------------

vm_kernel() { # SUITE: fetches its kernel if that is not here; sets `vm_release`
  vm_kept "$vm_cache/$1" vm_make_kernel "$1"
  vm_release=$(<"$vm_cache/$1/release")
}

# COMMAND, as root, on the suite's kernel; its exit code, and its output in $out. What it writes to the
# disk is forgotten. no_timer_check: on a busy machine an emulated timer looks broken to the kernel.
vm_run() { # SUITE SECONDS COMMAND
  local suite=$1 seconds=$2 status kernel work
  kernel=$vm_cache/$suite
  work=$(mktemp -d "$tmp/vm.XXXXXX")
  vm_make_initramfs "$work" "$kernel"
  printf '%s\n' "$3" >"$work/command"
  truncate -s 64K "$work/command" # a disk of whole sectors
  timeout --kill-after 5 "$((seconds + 60))" qemu-system-x86_64 \
    -accel "${PODPILOT_VM_ACCELERATOR:-tcg}" -cpu Nehalem -smp "$(nproc)" -m 2048 \
    -nodefaults -no-user-config -no-reboot -display none \
    -serial "file:$work/kernel" -serial "file:$work/output" \
    -kernel "$kernel/vmlinuz" -initrd "$work/initramfs" \
    -append "console=ttyS0 panic=-1 loglevel=4 no_timer_check podpilot.seconds=$seconds" \
    -drive "file=$vm_disk,format=raw,if=virtio,snapshot=on" \
    -drive "file=$work/command,format=raw,if=virtio,readonly=on" <&- >"$work/qemu" 2>&1 || true
  tr -d '\r' <"$work/output" | sed '/^vm: exit [0-9]*$/d' >"$out"
  status=$(sed -n 's/^vm: exit \([0-9]*\)\r*$/\1/p' "$work/output")
  if [[ -z $status ]]; then
    fail "$suite: no end: $(tail -n 40 "$work/qemu" "$work/kernel" "$work/output")"
  fi
  rm -rf "$work"
  return "$status"
}
