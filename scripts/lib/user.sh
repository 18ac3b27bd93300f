# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing. What claims to be unprivileged runs as an ordinary user with no capabilities, none
# to gain, and no_new_privs: as uid 1000 where this shell is root, else as its own user.

if ((EUID == 0)); then
  unprivileged=(setpriv --reuid 1000 --regid 1000 --clear-groups
    --no-new-privs --bounding-set=-all --inh-caps=-all --)
else
  unprivileged=(setpriv --no-new-privs --)
fi

# As an array, "${unprivileged[@]}" COMMAND & leaves the command's own pid in $!.
as_user() { "${unprivileged[@]}" "$@"; }

give_user() { # FILE...: to the user above
  ((EUID != 0)) || chown -R 1000:1000 -- "$@"
}

# A program that the user above can execute: PROGRAM, or where its folders are closed to that user,
# a copy in FOLDER.
reachable_program() { # PROGRAM FOLDER
  if as_user test -x "$1"; then
    printf '%s\n' "$1"
  else
    install -m 755 "$1" "$2/${1##*/}" && printf '%s\n' "$2/${1##*/}"
  fi
}

# A new folder for PURPOSE on a filesystem that can hold an overlay's upper folder. In a container
# /tmp is often on an overlay itself, which cannot.
make_temp_dir() { # PURPOSE
  local parent
  for parent in "${TMPDIR:-/tmp}" /var/tmp /dev/shm; do
    if [[ -w $parent && $(stat --file-system --format=%T "$parent") != overlayfs ]]; then
      mktemp -d "$parent/podpilot-$1.XXXXXX"
      return
    fi
  done
  mktemp -d -t "podpilot-$1.XXXXXX"
}
