# SPDX-License-Identifier: Apache-2.0
"""OCI layouts of layers that no packaged tool makes, byte by byte. For import by tests."""

import hashlib
import json
import os

CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def write_layout(path, layers, env=("PATH=/bin",)):
    """`layers`: (served bytes, digest of the tar), lowest first."""
    blobs = os.path.join(path, "blobs", "sha256")
    os.makedirs(blobs)

    def put(kind, data):
        with open(os.path.join(blobs, digest(data)[7:]), "wb") as file:
            file.write(data)
        return {"mediaType": kind, "digest": digest(data), "size": len(data)}

    machine = os.uname().machine
    config = {"os": "linux", "architecture": ARCHITECTURES.get(machine, machine),
              "config": {"Env": list(env)},
              "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]}}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST,
                "config": put(CONFIG, json.dumps(config).encode()),
                "layers": [put(LAYER, served) for served, _ in layers]}
    root = put(MANIFEST, json.dumps(manifest).encode())
    root["annotations"] = {"org.opencontainers.image.ref.name": "image"}
    with open(os.path.join(path, "index.json"), "w", encoding="ascii") as file:
        json.dump({"schemaVersion": 2, "manifests": [root]}, file)
    with open(os.path.join(path, "oci-layout"), "w", encoding="ascii") as file:
        file.write('{"imageLayoutVersion":"1.0.0"}')
