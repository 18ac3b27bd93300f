// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/spill.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "oci/layer/file_tree.h"
#include "oci/layer/spill_vector.h"
#include "sandbox/base/path.h"
#include "test/catch.h"
#include "test/support/temp_dir.h"

using namespace podpilot;
using namespace podpilot::oci;

namespace {

// Of this process, in bytes: "VmRSS", "RssFile".
std::size_t status(std::string_view field) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(field)) return std::stoul(line.substr(field.size() + 1)) << 10;
  return 0;
}

}  // namespace

TEST_CASE("what is spilled comes back", "[oci][layer]") {
  const test::TempDir dir;
  const auto memory = std::make_shared<Spill>(dir.fd());
  SpillVector<std::uint64_t> numbers(memory);
  constexpr std::size_t kCount = 12'000'000;  // 96 MB
  for (std::size_t i = 0; i < kCount; ++i) numbers.push_back(i * 7);
  CHECK(status("RssFile") < Spill::kMappedFilesOfProcess + (8 << 20));
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < kCount; ++i) wrong += numbers[i] != i * 7;
  CHECK(wrong == 0);
  CHECK(list_names(dir.fd())->empty());
}

TEST_CASE("a tree of a million names needs little memory", "[oci][layer]") {
  const test::TempDir dir;
  const std::size_t before = status("VmRSS");
  std::size_t most = 0;
  FileTree tree(std::make_shared<Spill>(dir.fd()));
  std::vector<NodeId> folders;
  for (int i = 0; i < 1000; ++i)
    folders.push_back(tree.add(FileTree::kRoot, fmt::format("d{}", i), FileTree::Kind::folder, 0));
  for (std::size_t i = 0; i < 1'000'000; ++i) {
    const NodeId folder = folders[i % 1000];
    const std::string name = fmt::format("file-{}", i);
    REQUIRE(tree.find(folder, name) == kNoNode);
    tree.add(folder, name, FileTree::Kind::other, i);
    if (i % 10'000 == 0) most = std::max(most, status("VmRSS"));
  }
  for (std::size_t i = 0; i < 1'000'000; i += 997) {
    const NodeId id = tree.find(folders[i % 1000], fmt::format("file-{}", i));
    REQUIRE(id != kNoNode);
    REQUIRE(tree[id].value == i);
  }
  CHECK(most < before + (48 << 20));
}

TEST_CASE("where no file can be made memory is ordinary", "[oci][layer]") {
  const DirFd proc = *open_dir("/proc");
  SpillVector<std::uint64_t> numbers(std::make_shared<Spill>(proc));
  for (std::size_t i = 0; i < 4'000'000; ++i) numbers.push_back(i);
  CHECK(numbers[3'999'999] == 3'999'999);
}

TEST_CASE("strings of any length are kept with a NUL behind them", "[oci][layer]") {
  Spill memory;
  std::vector<std::string_view> kept;
  for (std::size_t size = 0; size < 40'000; size = size * 3 / 2 + 1)
    kept.push_back(memory.keep(std::string(size, 'x')));
  for (const std::string_view text : kept) {
    CHECK(text.find_first_not_of('x') == std::string_view::npos);
    CHECK(text.data()[text.size()] == 0);
  }
}
