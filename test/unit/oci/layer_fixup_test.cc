// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/fixup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <deque>

#include "oci/store/stored_layer.h"
#include "sandbox/base/path.h"
#include "test/catch.h"
#include "test/support/layer_fixture.h"
#include "test/support/tar_builder.h"
#include "test/support/temp_dir.h"
#include "test/support/tree_listing.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::test;
using oci::FixupStep;
using oci::NodeSource;

namespace {

// Layers unpacked, and what is planned for them.
struct Layers {
  explicit Layers(const std::vector<TarBuilder>& tars) {
    for (const TarBuilder& tar : tars) {
      const TempDir& dir = folders.emplace_back();
      REQUIRE(error_of(unpack(tar.bytes(), dir.fd())).text == "");
      indexes.push_back(*oci::read_layer_index(dir.fd()));
      roots.emplace_back(*open_beneath(dir.fd(), "fs", O_RDONLY | O_DIRECTORY));
      sequence.push_back(static_cast<std::uint16_t>(sequence.size()));
    }
    for (const oci::LayerIndex& index : indexes) trees.push_back(*oci::LayerTree::of(index));
  }

  // "D path 0755 @1" (metadata of layer 1), "L path <- 0:path", "W path"; by path, without the
  // root.
  std::string plan() const {
    const auto planned = oci::plan_fixup(trees, sequence);
    if (!planned) return planned.error().text;
    std::vector<FixupStep> steps;
    for (std::size_t i = 0; i < planned->size(); ++i) steps.push_back((*planned)[i]);
    std::ranges::sort(steps, {}, &FixupStep::path);
    std::string text;
    for (const FixupStep& step : steps)
      if (!step.path.empty()) text += line(step) + "\n";
    return text;
  }

  std::string line(const FixupStep& step) const {
    if (step.kind == FixupStep::Kind::whiteout) return fmt::format("W {}", step.path);
    if (step.source.entry == NodeSource::kImplied) return fmt::format("D {} implied", step.path);
    const auto& entry = indexes[step.source.layer].entries[step.source.entry];
    if (step.kind == FixupStep::Kind::folder)
      return fmt::format("D {} {:04o} @{}", step.path, entry.mode, step.source.layer);
    return fmt::format("L {} <- {}:{}", step.path, step.source.layer, entry.path);
  }

  std::deque<TempDir> folders;
  std::deque<oci::LayerIndex> indexes;
  std::vector<oci::LayerTree> trees;
  std::vector<DirFd> roots;
  std::vector<std::uint16_t> sequence;
};

std::string plan(const std::vector<TarBuilder>& tars) {
  return Layers(tars).plan();
}

TarBuilder tar() {
  return {};
}

}  // namespace

TEST_CASE("layers that stack as they apply need no fix-up", "[oci][layer][fixup]") {
  CHECK(plan({}) == "");
  CHECK(plan({tar().folder("a").file("a/x"), tar().folder("a").file("a/y")}) == "");
  CHECK(plan({tar().folder("a").file("a/x"), tar().folder("a").whiteout("a/x")}) == "");
  CHECK(plan({tar().folder("a").file("a/x"), tar().folder("a").opaque("a").file("a/y")}) == "");
  CHECK(plan({tar().folder("a").file("a/x"), tar().file("a")}) == "");
  CHECK(plan({tar().symlink("a", "b").folder("b"), tar().folder("a").file("a/x")}) == "");
  CHECK(plan({tar().file("a").hard_link("b", "a"), tar().file("c").hard_link("d", "c")}) == "");
  // An implied folder that only its own layer has, and one over a folder of the same looks.
  CHECK(plan({tar().file("a/x"), tar().file("a/y")}) == "");
}

TEST_CASE("an implied parent leaves the folder below alone", "[oci][layer][fixup]") {
  CHECK(plan({tar().folder("tmp", 01777), tar().file("tmp/x")}) == "D tmp 1777 @0\n");
  CHECK(plan({tar().folder("a", 0700).folder("a/b", 0711), tar().file("a/b/c/x")}) ==
        "D a 0700 @0\nD a/b 0711 @0\n");
  // Whose metadata counts is whoever said it last.
  CHECK(plan({tar().folder("a", 0700), tar().folder("a", 0711), tar().file("a/x")}) ==
        "D a 0711 @1\n");
}

TEST_CASE("a parent that is a link below is followed", "[oci][layer][fixup]") {
  CHECK(plan({tar().folder("usr").folder("usr/bin").symlink("bin", "usr/bin"),
              tar().file("bin/foo")}) ==
        "L bin <- 0:bin\nD usr 0755 @0\nD usr/bin 0755 @0\nL usr/bin/foo <- 1:bin/foo\n");
  CHECK(plan({tar().symlink("a", "/x/y"), tar().file("a/f")}) ==
        "L a <- 0:a\nD x implied\nD x/y implied\nL x/y/f <- 1:a/f\n");
  CHECK(plan({tar().symlink("a", "../../b"), tar().file("a/f")}) ==
        "L a <- 0:a\nD b implied\nL b/f <- 1:a/f\n");
  // A whiteout through a link hides what is behind it.
  CHECK(plan({tar().folder("d").file("d/x").symlink("l", "d"), tar().whiteout("l/x")}) ==
        "D d 0755 @0\nW d/x\nL l <- 0:l\n");
}

TEST_CASE("where a folder first stands counts, and what is last said of it",
          "[oci][layer][fixup]") {
  // The folder replaces the link before the file is put into it.
  CHECK(plan({tar().symlink("b", "a").folder("a"),
              tar().folder("b").file("b/x").folder("b", 0700)}) == "");
  // The file goes through the link that the folder then replaces.
  CHECK(plan({tar().symlink("b", "a").folder("a"), tar().file("b/x").folder("b")}) ==
        "D a 0755 @0\nL a/x <- 1:b/x\nD b 0755 @1\nW b/x\n");
}

TEST_CASE("hard links into lower layers", "[oci][layer][fixup]") {
  CHECK(plan({tar().folder("d").file("d/f"), tar().hard_link("e", "d/f")}) == "L e <- 0:d/f\n");
  CHECK(plan({tar().folder("d").file("d/f").symlink("l", "d"), tar().hard_link("e/x", "l/f")}) ==
        "D e implied\nL e/x <- 0:d/f\n");
  // Taken before the target is hidden.
  CHECK(plan({tar().file("f"), tar().hard_link("e", "f").whiteout("f")}) == "L e <- 0:f\n");
  CHECK(plan({tar().file("f"), tar().hard_link("e", "g")}) ==
        "e: hard link to g, which is missing");
  CHECK(plan({tar().folder("f"), tar().hard_link("e", "f")}) ==
        "e: hard link to f, which is a folder");
}

TEST_CASE("whiteouts that nothing merges with would show", "[oci][layer][fixup]") {
  CHECK(plan({tar().folder("a").whiteout("a/x").file("a/y")}) == "D a 0755 @0\n");
  CHECK(plan({tar().folder("a").file("a/x"), tar().folder("a").opaque("a").whiteout("a/x")}) ==
        "D a 0755 @1\n");
  // Its own folder is then only there for the whiteout.
  CHECK(plan({tar().whiteout("a/x")}) == "W a\n");
  CHECK(plan({tar().folder("a", 0700), tar().whiteout("a/x")}) == "D a 0700 @0\n");
}

TEST_CASE("devices hide what is below", "[oci][layer][fixup]") {
  TarItem device;
  device.name = "d/null";
  device.type = '3';
  CHECK(plan({tar().folder("d").file("d/null"), tar().folder("d").add(device)}) ==
        "D d 0755 @1\nW d/null\n");
  CHECK(plan({tar().folder("d").add(device)}) == "");
}

TEST_CASE("folders that a layer keeps open are closed", "[oci][layer][fixup]") {
  CHECK(plan({tar().folder("a", 0).file("a/x").folder("b", 0555).folder("c", 01077)}) ==
        "D a 0000 @0\nD c 1077 @0\n");
}

TEST_CASE("an opaque root hides all below it", "[oci][layer][fixup]") {
  CHECK(plan({tar().file("a").folder("b").file("b/x"), tar().opaque("").folder("b").file("c")}) ==
        "W a\nD b 0755 @1\nW b/x\n");
}

TEST_CASE("a layer may be applied twice", "[oci][layer][fixup]") {
  Layers layers({tar().file("a"), tar().whiteout("a")});
  CHECK(layers.plan() == "");
  layers.sequence = {0, 1, 0};  // and is stacked where it stood last
  std::swap(layers.trees[0], layers.trees[1]);
  layers.sequence = {1, 0, 1};
  CHECK(layers.plan() == "");
}

TEST_CASE("the fix-up is made of links and folders", "[oci][layer][fixup]") {
  if (rerun_unprivileged()) return;
  TarItem folder;
  folder.name = "usr/lib/";
  folder.type = '5';
  folder.mode = 0;
  folder.xattrs = {{"user.k", "v"}};
  const Layers layers({tar().folder(".", 0700).folder("usr").add(folder).symlink("lib", "usr/lib"),
                       tar().file("lib/f", "content", 0600).whiteout("lib/g")});
  const TempDir dir;
  const auto steps = oci::plan_fixup(layers.trees, layers.sequence);
  REQUIRE(steps);
  REQUIRE(error_of(materialise_fixup(*steps, layers.trees, layers.roots, dir.fd())).text == "");
  struct stat st{};
  ::fstat(dir.fd().get(), &st);
  CHECK((st.st_mode & 07777) == 0700);
  REQUIRE(::fstatat(dir.fd().get(), "usr/lib", &st, 0) == 0);
  CHECK((st.st_mode & 07777) == 0);
  REQUIRE(::fchmodat(dir.fd().get(), "usr/lib", 0700, 0) == 0);
  CHECK(list_tree(dir.fd()) == "lib l usr/lib\nusr d 0755\nusr/lib d 0700\nusr/lib/f f 0600 7\n");
  CHECK(::fstatat(dir.fd().get(), "usr/lib/f", &st, 0) == 0);
  CHECK(st.st_nlink == 2);
}
