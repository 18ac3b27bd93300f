#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Layers that other tools can also read piece by piece, zstd:chunked and eStargz, are read as plain
# ones: their tables of contents stand in skippable frames and in members of their own.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns skopeo
start_registry
busybox_layer
# Two blocks of zeroes at the end and no more: skopeo 1.9 loses what comes after them.
layer=$tmp/layer.tar
python3 - "$cached" "$layer" <<'END'
import sys
tar = open(sys.argv[1], "rb").read().rstrip(b"\0")
open(sys.argv[2], "wb").write(tar.ljust((len(tar) + 511) // 512 * 512 + 1024, b"\0"))
END
busybox_sum=$(sha256sum <"$(command -v busybox)" | cut -d' ' -f1)

expect_busybox() { # IMAGE
  expect_exit 0 run "$1" busybox sha256sum /bin/busybox
  expect_equal "$(cut -d' ' -f1 "$out")" "$busybox_sum"
}

# As skopeo and podman make it. The tar inside is that of the gzip layer.
make_image "$tmp/image" gzip "$layer" -- --config.env PATH=/bin
push "$tmp/image" tool:gzip
recompress "$tmp/image" --dest-compress --dest-compress-format zstd:chunked "dir:$tmp/image.new"
manifest=$(jq -r '.manifests[0].digest' "$tmp/image/index.json")
manifest=$tmp/image/blobs/sha256/${manifest#sha256:}
expect_grep 'io.github.containers.zstd-chunked|io.containers.zstd-chunked' "$manifest"
blob=$(jq -r '.layers[0].digest' "$manifest")
expect_equal "$(tail -c 8 "$tmp/image/blobs/sha256/${blob#sha256:}")" GnUlInUx "end of the layer"
push "$tmp/image" tool:chunked
expect_busybox "docker://$registry/tool:chunked"
expect_exit 0 podpilot pull --cache "$cache" "docker://$registry/tool:gzip"
expect_exit 0 podpilot cache verify --json --cache "$cache"
expect_equal "$(jq .layers "$out")" 1 "stored layers"

# eStargz (stargz-snapshotter, docs/estargz.md): a gzip member for each entry, one for the table,
# and a footer of 51 bytes whose header has the table's place as an extra field.
PYTHONPATH=$PODPILOT_SOURCE/test/fakes python3 - "$layer" "$tmp/stargz" <<'END'
import gzip, io, json, struct, sys, tarfile
from layout_writer import digest, write_layout

tar = open(sys.argv[1], "rb").read()
pieces, at = [], 0
while any(tar[at:at + 512]):
    size = int(tar[at + 124:at + 135], 8)
    end = at + 512 + (size + 511) // 512 * 512
    pieces.append(tar[at:end])
    at = end
table = json.dumps({"version": 1, "entries": []}).encode()
buffer = io.BytesIO()
with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
    info = tarfile.TarInfo("stargz.index.json")
    info.size = len(table)
    archive.addfile(info, io.BytesIO(table))
pieces.append(buffer.getvalue())
members = [gzip.compress(piece, mtime=0) for piece in pieces]
place = b"%016xSTARGZ" % sum(map(len, members[:-1]))
footer = (b"\x1f\x8b\x08\x04" + bytes(4) + b"\x00\xff" + struct.pack("<H", 26) + b"SG" +
          struct.pack("<H", 22) + place + b"\x01\x00\x00\xff\xff" + bytes(8))
assert len(footer) == 51
served = b"".join(members) + footer
assert gzip.decompress(served) == b"".join(pieces)
write_layout(sys.argv[2], [(served, digest(b"".join(pieces)))])
END
push "$tmp/stargz" tool:stargz
expect_busybox "docker://$registry/tool:stargz"
expect_exit 0 run "docker://$registry/tool:stargz" cat /stargz.index.json
expect_out '{"version": 1, "entries": []}'
expect_whole_cache
