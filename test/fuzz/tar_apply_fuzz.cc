// SPDX-License-Identifier: Apache-2.0
// Any bytes as a layer: whatever they unpack to stays below its folder, is what its index says, and
// can be planned on top of itself. The first byte is not part of the layer: odd means that the rest
// is compressed (as its magic says) rather than a tar.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "oci/layer/fixup.h"
#include "oci/layer/layer_builder.h"
#include "oci/layer/unpack.h"
#include "oci/store/stored_layer.h"
#include "sandbox/base/path.h"

using namespace podpilot;

namespace {

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

struct Place {
  Place() {
    if (!::mkdtemp(path.data())) fail("mkdtemp");
    outer = *open_dir(path);
    dir = *make_dir_at(outer, "layer", 0700);
  }
  ~Place() {
    (void)remove_tree(outer, "layer");
    if (::rmdir(path.c_str()) != 0) fail("something got out of the layer's folder");
  }
  std::string path = "/tmp/tar_apply_fuzz.XXXXXX";
  DirFd outer;
  DirFd dir;
};

// The tar goes to the builder without its digests, which no fuzzer would get right.
Result<void> unpack_tar(std::string_view bytes, BorrowedFd into) {
  const DirFd root = TRY(make_dir_at(into, "fs", 0755));
  oci::LayerBuilder builder(root, oci::LayerDisk::kUnknownUmask);
  bool given = false;
  oci::TarReader tar([&]() -> Result<std::string_view> {
    return std::exchange(given, true) ? std::string_view() : bytes;
  });
  oci::TarEntry entry;
  for (;;) {
    const bool more = TRY(tar.next(entry));
    if (!more) break;
    TRY(builder.add(entry, tar));
  }
  TRY(builder.finish());
  UniqueFd index(::openat(into.get(), "index", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  return builder.write_index(index, "fuzz");
}

void check(BorrowedFd layer) {
  const auto damage = oci::find_damage(layer, 1);
  if (!damage) fail("verify: " + damage.error().text);
  if (!damage->empty()) fail("damaged: " + damage->front());
  const auto index = oci::read_layer_index(layer);
  std::vector<oci::LayerTree> trees;
  trees.push_back(*oci::LayerTree::of(*index));
  const auto steps = oci::plan_fixup(trees, {0, 0});
  if (!steps) return;
  std::vector<DirFd> roots;
  roots.emplace_back(*open_beneath(layer, "fs", O_RDONLY | O_DIRECTORY));
  const DirFd fixup = *make_dir_at(layer, "fixup", 0700);
  const auto made = oci::materialise_fixup(*steps, trees, roots, fixup);
  if (!made && ::geteuid() == 0) fail("fix-up: " + made.error().text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Place place;
  if (data[0] & 1) {
    const oci::Descriptor blob{"", oci::Digest::of(bytes), bytes.size()};
    (void)oci::unpack_layer([&](const oci::Sink& sink) { return sink(bytes); }, blob, blob.digest,
                            place.dir, {});
    return 0;
  }
  if (unpack_tar(bytes, place.dir)) check(place.dir);
  return 0;
}
