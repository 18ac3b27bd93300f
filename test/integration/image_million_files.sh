#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ctest: long
# ctest: timeout 1200
#
# An image of 1,000,000 files in 100,000 folders, and a layer that hides a tenth of them and links a
# hundred thousand others: pulled, run, verified and removed in the memory that any image gets.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root
readonly limit=64000000
busybox_layer

# 100 x 1000 folders of ten files each; every folder's tenth file is a hard link.
PYTHONPATH=$PODPILOT_SOURCE/test/fakes python3 - "$tmp/image" "$cached" <<'END'
import hashlib, io, sys, tarfile, zlib
from layout_writer import digest, write_layout


def header(name, kind, target="", size=0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    return info.tobuf(tarfile.USTAR_FORMAT)


def packed(pieces):
    deflate, sum = zlib.compressobj(1, zlib.DEFLATED, 31), hashlib.sha256()
    served = []
    for piece in pieces:
        sum.update(piece)
        served.append(deflate.compress(piece))
    return b"".join(served) + deflate.flush(), "sha256:" + sum.hexdigest()


def million():
    # One header is taken apart, so that the rest is only arithmetic.
    sample = bytearray(header("x", tarfile.REGTYPE))

    def plain(name):
        sample[0:100] = name.encode().ljust(100, b"\0")
        sample[148:156] = b" " * 8
        sample[148:156] = b"%06o\0 " % sum(sample)
        return bytes(sample)

    for top in range(100):
        yield header(f"d/{top:02}", tarfile.DIRTYPE)
        for middle in range(1000):
            folder = f"d/{top:02}/folder-{middle:03}"
            yield header(folder, tarfile.DIRTYPE)
            for file in range(9):
                yield plain(f"{folder}/a-file-{file}")
            yield header(f"{folder}/link", tarfile.LNKTYPE, f"{folder}/a-file-0")
    yield bytes(1024)


def hiding():
    for top in range(0, 100, 10):
        yield header(f"d/.wh.{top:02}", tarfile.REGTYPE)
    # Links into the layer below, each in a folder of its own.
    for number in range(100_000):
        yield header(f"links/{number}/x", tarfile.LNKTYPE, f"d/01/folder-{number % 1000:03}/a-file-1")
    yield bytes(1024)


base = open(sys.argv[2], "rb").read()
write_layout(sys.argv[1], [(base, digest(base)), packed(million()), packed(hiding())])
END
chmod -R a+rX "$tmp/image"
mount -t tmpfs -o size=6g,nr_inodes=2000000,uid=1000,gid=1000,mode=700 podpilot-test "$cache"
mounts+=("$cache")

expect_peak() { # COMMAND...: of podpilot; ru_maxrss is that of the largest process
  expect_exit 0 python3 - "${podpilot[@]}" "$@" --cache "$cache" <<'END'
import os, sys, time
begin = time.monotonic()
pid = os.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(round(time.monotonic() - begin), usage.ru_maxrss * 1024)
sys.exit(os.waitstatus_to_exitcode(status))
END
  local seconds peak
  read -r seconds peak < <(tail -n 1 "$out")
  printf '%-20s %4d s, %3d MB at most\n' "${*:1:2}" "$seconds" $((peak / 1000000))
  if ((peak > limit)); then fail "$*: $peak bytes"; fi
}
expect_peak pull -q "oci:$tmp/image"
expect_peak cache verify
expect_exit 0 run "oci:$tmp/image" sh -c \
  'ls /d | wc -l; ls /d/99/folder-999 | wc -l; stat -c %h /d/01/folder-000/link /links/7/x; test ! -e /d/90'
expect_out $'90\n10\n2\n101'
expect_peak cache gc --size 0
expect_equal "$(find "$cache" -mindepth 2 | wc -l | awk '{ print ($1 < 30) }')" 1 "what gc left"
