// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include "oci/layer/layer_index.h"
#include "oci/layer/layer_tree.h"
#include "sandbox/base/io.h"
#include "test/catch.h"
#include "test/support/layer_fixture.h"
#include "test/support/temp_dir.h"

using namespace podpilot;
using namespace podpilot::oci;

namespace {

std::string written(const std::vector<LayerEntry>& entries) {
  const test::TempDir dir;
  UniqueFd file(::openat(dir.fd().get(), "index", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  LayerIndexWriter writer(file, "boot-1");
  for (const LayerEntry& entry : entries) REQUIRE(writer.add(entry));
  REQUIRE(writer.finish(4711));
  CHECK(read_layer_totals(file)->disk_bytes == 4711);
  CHECK(*read_layer_boot(file) == "boot-1");
  return *read_file_at(dir.fd(), "index", 1 << 20);
}

LayerEntry entry(LayerEntry::Type type, std::string_view path, std::string_view target = {}) {
  LayerEntry e;
  e.type = type;
  e.path = path;
  e.target = target;
  return e;
}

}  // namespace

TEST_CASE("an index comes back as it was written", "[oci][layer]") {
  using Type = LayerEntry::Type;
  LayerEntry file = entry(Type::file, "a b\\\n\xff\x7f");
  file.mode = 06755;
  file.uid = 4294967295;
  file.gid = 7;
  file.size = 1ULL << 40;
  file.crc = 0xFEDCBA9876543210;
  file.mtime = -12;
  file.mtime_nsec = 5;
  file.xattrs = file.capability = true;
  LayerEntry folder = entry(Type::folder, "");
  folder.implied = true;
  const auto index = parse_layer_index(
      written({folder, file, entry(Type::symlink, "s", " odd target"), entry(Type::fifo, "-")}));
  REQUIRE(index);
  REQUIRE(index->entries.size() == 4);
  CHECK(index->boot == "boot-1");
  CHECK(index->totals.entries == 4);
  CHECK(index->entries[0].path.empty());
  CHECK(index->entries[0].implied);
  const LayerEntry& back = index->entries[1];
  CHECK(back.path == file.path);
  CHECK(back.mode == file.mode);
  CHECK(back.uid == file.uid);
  CHECK(back.gid == file.gid);
  CHECK(back.size == file.size);
  CHECK(back.crc == file.crc);
  CHECK(back.mtime == file.mtime);
  CHECK(back.mtime_nsec == file.mtime_nsec);
  CHECK((back.xattrs && back.capability && !back.implied));
  CHECK(index->entries[2].target == " odd target");
  CHECK(index->entries[3].path == "-");
}

TEST_CASE("an index that is not whole counts as none", "[oci][layer]") {
  const std::string whole = written({entry(LayerEntry::Type::folder, "")});
  REQUIRE(parse_layer_index(whole));
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(test::error_of(parse_layer_index(whole.substr(0, size))).fault == Fault::corrupt);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string flipped = whole;
    flipped[i] ^= 1;
    CHECK_FALSE(parse_layer_index(flipped));
  }
}

TEST_CASE("lines that contradict each other are refused", "[oci][layer]") {
  using Type = LayerEntry::Type;
  const auto refused = [](const std::vector<LayerEntry>& entries) {
    const auto index = parse_layer_index(written(entries));
    return !index || !LayerTree::of(*index);
  };
  const LayerEntry root = entry(Type::folder, "");
  CHECK_FALSE(refused({root, entry(Type::file, "a")}));
  CHECK_FALSE(refused({root, entry(Type::file, "d/a"), entry(Type::folder, "d")}));
  CHECK(refused({entry(Type::file, "a")}));
  CHECK(refused({root, entry(Type::file, "a"), entry(Type::file, "a")}));
  CHECK(refused({root, entry(Type::file, "a"), entry(Type::folder, "a")}));
  CHECK(refused({root, entry(Type::file, "d/a")}));
  CHECK(refused({root, entry(Type::symlink, "d", "e"), entry(Type::file, "d/a")}));
  CHECK(refused({root, entry(Type::hard_link, "h", "a")}));
  CHECK(refused({root, entry(Type::whiteout, "d/x")}));
  CHECK(refused({root, entry(Type::opaque, "d")}));
  CHECK(refused({root, entry(Type::file, "")}));
  CHECK(refused({root, entry(Type::file, "../a")}));
  CHECK(refused({root, entry(Type::file, "/a")}));
  CHECK(refused({root, entry(Type::file, "d//a"), entry(Type::folder, "d")}));
}
