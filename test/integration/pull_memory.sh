#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ctest: timeout 300
#
# What a pull has in memory at its most is bounded whatever the image: 64 MB, and a zstd window
# above 8 MiB on top of it, one at a time. A larger window than 128 MiB is refused.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs zstd
readonly limit=64000000 window=$((128 << 20))

# The images `large` (two layers with windows of 128 MiB, and more than that in each), `free` (four
# of 8 MiB), `many` (127 layers), `holes` (a file of 2 GiB without content, attributes of 900 KiB),
# `huge` (a window of 256 MiB).
PYTHONPATH=$PODPILOT_SOURCE/test/fakes python3 - "$tmp" <<'END'
import gzip, io, random, subprocess, sys, tarfile
from layout_writer import digest, write_layout

chance = random.Random(1)

def tar(name, content, pax=None):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        info.pax_headers = pax or {}
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()

def zstd(data, log):
    # From a pipe: no size in the header, so that the window is what it says.
    return subprocess.run(["zstd", "-q", "-c", "-1", f"--zstd=wlog={log}", "--ultra"],
                          input=data, stdout=subprocess.PIPE, check=True).stdout

def image(name, tars, compress):
    write_layout(f"{sys.argv[1]}/{name}", [(compress(data), digest(data)) for data in tars])

noise = chance.randbytes(1 << 20)
image("large", [tar(f"f{i}", noise * 136 + bytes([i])) for i in range(2)], lambda d: zstd(d, 27))
image("free", [tar(f"f{i}", noise * 20 + bytes([i])) for i in range(4)], lambda d: zstd(d, 23))
image("many", [tar(f"f{i}", b"") for i in range(127)], gzip.compress)
image("huge", [tar("f", noise)], lambda d: zstd(d, 28))
sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "holes",
          "GNU.sparse.realsize": str(2 << 30)}
marked = {f"SCHILY.xattr.security.n{i}": "x" * 60000 for i in range(15)}
map_only = b"1\n%d\n0\n" % (2 << 30)
image("holes", [tar("s", map_only.ljust(512, b"\0"), sparse), tar("f", b"", marked)],
      gzip.compress)
END
chmod -R a+rX "$tmp"/{large,free,many,holes,huge}

expect_peak() { # IMAGE BYTES: ru_maxrss is the mark of the largest process; a pull is one
  expect_exit 0 python3 - "${podpilot[@]}" pull -q --cache "$tmp/work/$1" "oci:$tmp/$1" <<'END'
import os, sys
pid = os.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss * 1024)
sys.exit(os.waitstatus_to_exitcode(status))
END
  local peak
  peak=$(tail -n 1 "$out")
  printf '%-6s %4d MB at most, %4d allowed\n' "$1" $((peak / 1000000)) $(($2 / 1000000))
  if ((peak > $2)); then fail "$1: $peak bytes"; fi
  podpilot cache gc --size 0 --cache "$tmp/work/$1" >/dev/null 2>&1
}
expect_peak many $limit
expect_peak holes $limit
expect_peak free $limit
expect_peak large $((limit + window))
# It did need the window.
if (($(tail -n 1 "$out") < window)); then fail "the window was not used"; fi
expect_error image-unsupported 'a window of 256 MiB' pull "oci:$tmp/huge"
