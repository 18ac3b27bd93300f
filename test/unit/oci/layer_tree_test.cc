// SPDX-License-Identifier: Apache-2.0
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
