#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Folders and files that are closed to their owner, nested, setuid and set-gid, in an image and in
# what a job leaves behind: verify, the removal of the job's folder and gc cope as an ordinary user,
# with one id and with a range of ids in a user namespace.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root
tree=$tmp/tree
mkdir -p "$tree/bin" "$tree/a/b/c" "$tree/closed/in" "$tree/set" "$tree/gone/shut"
cp "$(command -v busybox)" "$tree/bin/busybox"
for applet in sh chmod mkdir rm cat; do ln -s busybox "$tree/bin/$applet"; done
for file in a/b/c/file closed/in/file closed/file set/uid set/gid gone/shut/file; do
  echo "$file" >"$tree/$file"
done
chown 1234:4321 "$tree/a/b/c/file" "$tree/closed"
chmod 4755 "$tree/set/uid"
chmod 2755 "$tree/set/gid"
chmod 3777 "$tree/set"
chmod 000 "$tree/closed/file" "$tree/closed/in/file" "$tree/closed/in" "$tree/closed" "$tree/gone/shut"
chmod 001 "$tree/a/b/c"
chmod 200 "$tree/a/b"
chmod 111 "$tree/a"
mkdir "$tmp/top"
touch "$tmp/top/.wh.gone"
tar --create --file "$tmp/lower.tar" --directory "$tree" --numeric-owner .
tar --create --file "$tmp/top.tar" --directory "$tmp/top" .wh.gone
make_image "$tmp/image" zstd "$tmp/lower.tar" "$tmp/top.tar" -- --config.env PATH=/bin
chmod -R a+rX "$tmp/image"
image=oci:$tmp/image:image

left() { find "$cache/v1" "$cache"/scratch/pilot-* -mindepth 2 -printf '%p ' 2>/dev/null; }
everything_as() { # WHAT COMMAND...: runs podpilot with all of it
  local what=$1
  shift
  "$@" "$program" pull --quiet --cache "$cache" "$image" >"$out" || fail "$what: pull"
  "$@" "$program" cache verify --cache "$cache" >"$out" || fail "$what: verify: $(<"$out")"
  expect_equal "$(find "$cache/v1/layers" -perm /6000 -printf '%p ')" '' "$what: setuid on disk"
  # In the overlay's own folders, too, which its work folder (mode 000) lies beside.
  "$@" "$program" run --quiet --cache "$cache" "$image" sh -c '
    cat /closed/in/file && mkdir -p /x/y/z /scratch/p/q && echo 1 >/x/y/z/f && echo 2 >/scratch/p/q/f &&
    rm -r /set && chmod 000 /x/y/z/f /x/y/z /x/y /x /scratch/p/q/f /scratch/p/q /scratch/p /a /bin' \
    >"$out" || fail "$what: run"
  expect_out closed/in/file
  expect_equal "$(find "$cache/scratch" -name 'job-*' -printf '%p ')" '' "$what: left of the job"
  "$@" "$program" cache verify --cache "$cache" >"$out" || fail "$what: verify after a job"
  "$@" "$program" cache gc --size 0 --cache "$cache" >"$out" || fail "$what: gc"
  expect_equal "$(left)" '' "$what: left"
}

everything_as 'one id' "${unprivileged[@]}" "${pilot_env[@]}"

# What a killed pilot left in staging and scratch is removed, as well.
expect_exit 0 pull --quiet "$image"
layer=$(find "$cache/v1/layers" -mindepth 1 -maxdepth 1 -printf '%s %p\n' | sort -n | sed 's/[^ ]* //;1q')
cp -a "$layer" "$cache/v1/staging/0-1-0"
mkdir -p "$cache/scratch/pilot-dead"
cp -a "$layer" "$cache/scratch/pilot-dead/job-1"
mkdir -p "$cache/scratch/pilot-dead/job-1/work/work"
touch "$cache/scratch/pilot-dead/lock"
give_user "$cache/scratch/pilot-dead"
chmod 000 "$cache/scratch/pilot-dead/job-1/work/work"
expect_exit 0 run "$image" sh -c :
expect_equal "$(find "$cache/scratch" "$cache/v1/staging" -mindepth 1 -name '*-*' -printf '%p ')" '' swept
expect_exit 0 podpilot cache gc --size 0 --cache "$cache"

# As root of a namespace with a range of ids, as pods with hostUsers: false have them: leftovers may
# belong to any of these.
rm -rf "$cache"
mkdir "$cache"
chown 100000:100000 "$cache" "$tmp/home" "$tmp/work"
mapped() { # COMMAND...
  python3 - "$@" <<'END'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
done_r, done_w = os.pipe()
ready_r, ready_w = os.pipe()
child = os.fork()
if child == 0:
    if libc.unshare(0x10000000) != 0:
        os._exit(99)
    os.write(ready_w, b"x")
    os.read(done_r, 1)
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    os.execvp(sys.argv[1], sys.argv[1:])
os.read(ready_r, 1)
for kind in ("uid", "gid"):
    with open(f"/proc/{child}/{kind}_map", "w") as out:
        out.write("0 100000 65536\n")
os.write(done_w, b"x")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
END
}
everything_as 'a range of ids' mapped "${pilot_env[@]}"
expect_exit 0 mapped "${pilot_env[@]}" "$program" pull --quiet --cache "$cache" "$image"
mkdir -p "$cache/scratch/pilot-dead/job-1/upper/shut"
touch "$cache/scratch/pilot-dead/lock" "$cache/scratch/pilot-dead/job-1/upper/shut/file"
chown -R 100000:100000 "$cache/scratch/pilot-dead"
chown -R 101234:104321 "$cache/scratch/pilot-dead/job-1/upper/shut"
chmod 000 "$cache/scratch/pilot-dead/job-1/upper/shut"
expect_exit 0 mapped "${pilot_env[@]}" "$program" run --cache "$cache" "$image" sh -c :
expect_equal "$(find "$cache/scratch" -name 'pilot-*' -printf '%p ')" '' "swept, a range's ids"
