// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>

#include "oci/layer/entry_path.h"
#include "oci/layer/file_tree.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::oci;
using Kind = FileTree::Kind;

TEST_CASE("a tree finds, removes and names what is in it", "[oci][layer]") {
  FileTree tree;
  std::vector<NodeId> folders;
  for (int i = 0; i < 300; ++i)
    folders.push_back(tree.add(FileTree::kRoot, "d" + std::to_string(i), Kind::folder, 0));
  for (const NodeId folder : folders)
    for (int i = 0; i < 20; ++i) tree.add(folder, "f" + std::to_string(i), Kind::other, 7);
  const NodeId some = tree.find(folders[100], "f9");
  REQUIRE(some != kNoNode);
  CHECK(tree.path(some) == "d100/f9");
  CHECK(tree[some].value == 7);
  CHECK(tree.find(folders[100], "f99") == kNoNode);
  tree.remove(folders[100]);
  CHECK_FALSE(tree[some].alive);
  CHECK(tree.find(FileTree::kRoot, "d100") == kNoNode);
  CHECK(tree.find(folders[100], "f9") == kNoNode);
  CHECK(tree.find(folders[101], "f9") != kNoNode);
  const NodeId again = tree.add(FileTree::kRoot, "d100", Kind::other, 1);
  CHECK(tree.find(FileTree::kRoot, "d100") == again);
  int children = 0;
  for (NodeId id = tree[FileTree::kRoot].first_child; id != kNoNode; id = tree[id].next) ++children;
  CHECK(children == 300);
}

TEST_CASE("adding and removing one name for ever does not fill the table", "[oci][layer]") {
  FileTree tree;
  for (int i = 0; i < 10'000; ++i)
    tree.remove(tree.add(FileTree::kRoot, "n" + std::to_string(i), Kind::other, 0));
  CHECK(tree.find(FileTree::kRoot, "n1") == kNoNode);
}

TEST_CASE("symlinks are followed inside the tree", "[oci][layer]") {
  FileTree tree;
  const NodeId usr = tree.add(FileTree::kRoot, "usr", Kind::folder, 0);
  const NodeId lib = tree.add(usr, "lib", Kind::folder, 0);
  tree.add(FileTree::kRoot, "lib", Kind::symlink, 0, "usr/lib");
  tree.add(FileTree::kRoot, "abs", Kind::symlink, 0, "/usr//./lib/");
  tree.add(lib, "up", Kind::symlink, 0, "../../../../usr");
  tree.add(FileTree::kRoot, "loop", Kind::symlink, 0, "loop");
  tree.add(lib, "file", Kind::other, 0);
  CHECK(*tree.resolve("lib") == lib);
  CHECK(*tree.resolve("abs/up/lib/up") == usr);
  CHECK(*tree.resolve("abs/up/lib/up/..") == FileTree::kRoot);
  CHECK(*tree.resolve("lib/file") == kNoNode);
  CHECK(*tree.resolve("lib/none/x") == kNoNode);
  CHECK_FALSE(tree.resolve("loop/x"));
  CHECK(*tree.resolve("") == FileTree::kRoot);
}

TEST_CASE("links that multiply do not eat memory", "[oci][layer][hostile]") {
  FileTree tree;
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "l/";
  tree.add(FileTree::kRoot, "l", Kind::symlink, 0, many);
  CHECK_FALSE(tree.resolve("l"));
}

// MurmurHash64A, which std::hash is here, mixes words of 8 bytes one by one: a word whose mixed
// form differs in the topmost bit alone is cancelled by another such word behind it, whatever the
// seed (Aumasson, Bernstein: "Hash-flooding DoS reloaded", 2012). Fifteen pairs make 32768 names.
TEST_CASE("names that were made to collide do not make a tree slow", "[oci][layer][hostile]") {
  constexpr std::uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr std::uint64_t kTop = 1ULL << 63;
  const auto mix = [](std::uint64_t word) {
    word *= kMultiplier;
    return (word ^ (word >> 47)) * kMultiplier;
  };
  const auto unmix = [](std::uint64_t word) {
    std::uint64_t inverse = 1;  // Newton, modulo 2^64
    for (int i = 0; i < 6; ++i) inverse *= 2 - kMultiplier * inverse;
    word *= inverse;
    return (word ^ (word >> 47)) * inverse;
  };
  const auto bytes = [](std::uint64_t word) {
    return std::string(reinterpret_cast<const char*>(&word), sizeof word);
  };
  std::mt19937_64 chance(1);
  std::vector<std::string> names = {""};
  while (names.front().size() < 240) {
    const std::uint64_t a = chance();
    const std::uint64_t b = chance();
    const std::string plain = bytes(a) + bytes(b);
    const std::string other = bytes(unmix(mix(a) ^ kTop)) + bytes(unmix(mix(b) ^ kTop));
    if ((plain + other).find_first_of(std::string_view("/\0", 2)) != std::string::npos) continue;
    const std::size_t count = names.size();
    for (std::size_t i = 0; i < count; ++i) {
      names.push_back(names[i] + other);
      names[i] += plain;
    }
  }
  const std::hash<std::string_view> common;
  REQUIRE(std::ranges::all_of(names, [&](const auto& n) { return common(n) == common(names[0]); }));
  FileTree tree;
  for (const std::string& name : names) tree.add(FileTree::kRoot, name, Kind::other, 0);
  std::size_t missing = 0;
  for (const std::string& name : names) missing += tree.find(FileTree::kRoot, name) == kNoNode;
  CHECK(missing == 0);
  CHECK(tree.longest_search() < 1000);
}

TEST_CASE("entry names", "[oci][layer]") {
  CHECK(*clean_path("./a//b/./c/") == "a/b/c");
  CHECK(*clean_path("/") == "");
  CHECK(*clean_path("a/b/../../c") == "c");
  CHECK_FALSE(clean_path(".."));
  CHECK_FALSE(clean_path("a/../.."));
  using K = EntryName::Kind;
  CHECK(parse_entry_name("a/.wh.b")->kind == K::whiteout);
  CHECK(parse_entry_name("a/.wh.b")->path == "a/b");
  CHECK(parse_entry_name(".wh.b")->path == "b");
  CHECK(parse_entry_name("a/.wh..wh..opq")->kind == K::opaque);
  CHECK(parse_entry_name("a/.wh..wh..opq")->path == "a");
  CHECK(parse_entry_name(".wh.etc/passwd")->kind == K::plain);
  CHECK(parse_entry_name(".wh..wh.plnk")->kind == K::ignored);
  CHECK(parse_entry_name(".wh..hidden")->path == ".hidden");
}
