#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# For scripts/bench. From an image in a registry on loopback to its payload's first output, podpilot
# and what people use instead, cold and warm, on an ext4 of its own (with a journal, as nodes have it:
# one without does not use the inodes again that were freed in the last minutes). Prints, asserts nothing.
# shellcheck source=test/integration/lib.sh
. "${BASH_SOURCE[0]%/*}/../../integration/lib.sh" || exit
# shellcheck source=test/bench/images/make.sh
. "${BASH_SOURCE[0]%/*}/make.sh"
# shellcheck source=test/bench/images/peers_root.sh
. "${BASH_SOURCE[0]%/*}/peers_root.sh"
# shellcheck source=test/bench/images/link.sh
. "${BASH_SOURCE[0]%/*}/link.sh"

images=(slim scipy)
peers=(podpilot crane+tar+bwrap skopeo+umoci+bwrap podman charliecloud apptainer)
rounds=5
warm_rounds=9
row_rounds=5 # of the first image
link_rounds=3 # of the last image
while (($#)); do
  case $1 in
    --images) IFS=, read -ra images <<<"$2" && shift 2 ;;
    --peers) IFS=, read -ra peers <<<"$2" && shift 2 ;;
    --rounds) rounds=$2 && shift 2 ;;
    --row-rounds) row_rounds=$2 && shift 2 ;;
    --link-rounds) link_rounds=$2 && shift 2 ;;
    *)
      echo "bench images: unknown option $1 (--images A,B --peers A,B --rounds N --row-rounds N --link-rounds N)" >&2
      exit 2
      ;;
  esac
done
needs root userns mmdebstrap

peers_root
mkdir "$tmp/root" "$tmp/disk"
tar -xpf "$cached" -C "$tmp/root" --exclude='./dev/*'
truncate -s 24G "$tmp/disk.img"
mkfs.ext4 -q "$tmp/disk.img"
mount -o loop,noatime "$tmp/disk.img" "$tmp/disk"
mounts+=("$tmp/disk")
mkdir "$tmp/disk/home"
give_user "$tmp/disk/home"
cp "$program" "$tmp/disk/podpilot"
install -m 755 "${BASH_SOURCE[0]%/*}/measure.py" "$tmp/disk/measure.py"

# In memory: it stands for one that has just been asked for the same image.
mkdir -p "$tmp/registry/storage"
mount -t tmpfs tmpfs "$tmp/registry/storage"
mounts+=("$tmp/registry/storage")
start_registry
plain=$registry
# The same blobs by TLS: charliecloud knows nothing else.
make_certificate "$tmp/tls"
REGISTRY_HTTP_TLS_CERTIFICATE=$tmp/tls.pem REGISTRY_HTTP_TLS_KEY=$tmp/tls.key \
  REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=$tmp/registry/storage registry_start "$tmp/registry-tls"
tls=$registry_host

for name in "${images[@]}"; do
  "${name//-/_}_image"
  push_image "$cached" "$plain/p/$name:1"
  manifest=$cached/blobs/$(jq -r '.manifests[0].digest | sub(":"; "/")' "$cached/index.json")
  jq --arg registry "$plain" --arg tls "$tls" --arg name "$name" --arg layout "$cached" \
    --argjson rounds "$rounds" --argjson row "$row_rounds" --argjson warm "$warm_rounds" --argjson cores "$(nproc)" \
    '{registry: $registry, repository: "p/\($name)", image: "\($registry)/p/\($name):1",
      tls_image: "\($tls)/p/\($name):1", cores: $cores, rounds: $rounds, warm_rounds: $warm,
      row_rounds: $row, row_jobs: 200,
      layers: [.layers[] | [.digest, if .mediaType | endswith("zstd") then "zstd" else "gzip" end]],
      peers: $ARGS.positional}' --args "${peers[@]}" <"$manifest" >"$tmp/disk/plan.json"
  printf '\n%s: %s layers, %s MB compressed, %s\n\n' "$name" "$(jq '.layers | length' "$manifest")" \
    "$(jq '[.layers[].size] | add / 1e6 | round' "$manifest")" "$(nproc) cores"
  enter_peers_root "$tmp/root" "$tmp/disk" python3 /bench/measure.py /bench/plan.json \
    "/bench/$name.json" 2>>"$PODPILOT_BUILD/bench-images.log"
  cp "$tmp/disk/$name.json" "$PODPILOT_BUILD/bench-$name.json"
  row_rounds=0
done

if ((link_rounds > 0)); then
  printf '\n%s:\n\n' "$name"
  link_table "$tmp/registry/storage" "p/$name" "$manifest" "$tmp/disk/link-cache" "$link_rounds"
fi
