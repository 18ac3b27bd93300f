// SPDX-License-Identifier: Apache-2.0
// What an image's layers show when they are mounted, against what umoci makes by applying them one
// after the other: on random images made of what the two ways treat differently.
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <random>
#include <set>

#include "oci/pull.h"
#include "test/catch.h"
#include "test/support/image_builder.h"
#include "test/support/layer_fixture.h"
#include "test/support/tar_builder.h"
#include "test/support/temp_dir.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::test;

namespace {

// Type, mode, size, link target and content of everything below the working folder. A folder's
// size is its filesystem's business.
constexpr const char* kList =
    "find . -mindepth 1 -type d -printf '%p d %m\\n' -o -mindepth 1 -type l -printf '%p l %l\\n' "
    "-o -mindepth 1 -printf '%p %y %m %s\\n' | sort; "
    "find . -type f -print0 | sort -z | xargs -0 -r sha256sum";

std::string shell(const std::string& script) {
  FILE* pipe = ::popen(("exec 2>&1; " + script).c_str(), "r");
  REQUIRE(pipe);
  std::string out;
  char buffer[4096];
  for (std::size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  const int status = ::pclose(pipe);
  if (status != 0) out += fmt::format("exit status {}\n", status);
  return out;
}

// Few names, so that layers meet: folders, links to folders, links to nothing, files.
class RandomImage {
 public:
  explicit RandomImage(unsigned seed) : random_(seed) {}

  std::vector<std::string> layers() {
    std::vector<std::string> tars;
    const unsigned count = 2 + pick(4);
    for (unsigned i = 0; i < count; ++i) tars.push_back(layer(i));
    return tars;
  }

 private:
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

  std::string path() {
    static constexpr const char* kNames[] = {"a", "b", "c", "d"};
    std::string text = kNames[pick(4)];
    for (unsigned depth = pick(3); depth > 0; --depth) text += std::string("/") + kNames[pick(4)];
    return text;
  }

  std::string layer(unsigned number) {
    TarBuilder tar;
    if (pick(2) == 0) tar.folder(".", 0755);
    std::vector<std::string> files;
    folders_.clear();
    const unsigned entries = 3 + pick(8);
    for (unsigned i = 0; i < entries; ++i) add(tar, number, files);
    return tar.bytes();
  }

  // Mostly of other names than folders: umoci refuses a file as a parent.
  std::string file_path() {
    static constexpr const char* kNames[] = {"e", "f", "g", "a"};
    return path() + "/" + kNames[pick(16) ? pick(3) : 3];
  }

  void add(TarBuilder& tar, unsigned number, std::vector<std::string>& files) {
    static constexpr unsigned kModes[] = {0755, 0700, 01777, 0555};
    static constexpr const char* kTargets[] = {"a", "b/c", "/c", "../d", "/a/b", "."};
    const unsigned kind = pick(9);
    const std::string name = kind >= 5 || (kind == 3 && pick(2)) ? file_path() : path();
    for (std::size_t slash = 0; (slash = name.find('/', slash + 1)) != std::string::npos;)
      folders_.insert(name.substr(0, slash));
    switch (kind) {
      case 0:
      case 1:
        tar.folder(name, kModes[pick(4)]);
        return;
      case 2:
        if (!folders_.contains(name)) tar.symlink(name, kTargets[pick(6)]);
        return;
      case 3:
        tar.whiteout(name);
        return;
      case 4:
        if (pick(3) == 0) tar.opaque(name);
        return;
      case 5:
        if (!files.empty()) tar.hard_link(name, files[pick(static_cast<unsigned>(files.size()))]);
        return;
      default:
        tar.file(name, fmt::format("layer {} {}", number, pick(1000)), pick(2) ? 0644 : 0750);
        files.push_back(name);
    }
  }

  std::mt19937 random_;
  // Names that this layer went through. A link that takes the place of one is what FORMAT.md says
  // is not done as umoci does it.
  std::set<std::string> folders_;
};

std::string mounted(const oci::Image& image) {
  std::string lower;
  std::string commands = "set -e; cd $1; ";
  for (std::size_t i = image.layers.size(); i-- > 0;) {
    // Short names, as the sandbox does it.
    commands += fmt::format("ln -s '{}' {}; ", image.layers[i], i);
    lower += fmt::format("{}{}", lower.empty() ? "" : ":", i);
  }
  const TempDir work;
  // A single lower layer needs a second: an empty one at the bottom.
  work.make_dir("empty");
  work.make_dir("merged");
  commands += fmt::format("mount -t overlay -o userxattr,lowerdir={}:empty none merged; ", lower);
  commands += "cd merged; " + std::string(kList);
  work.write("run", commands);
  return shell(fmt::format("unshare -Urm sh {}/run {}", work.path(), work.path()));
}

}  // namespace

TEST_CASE("mounted images equal umoci's", "[component][umoci]") {
  if (rerun_unprivileged()) return;
  if (::access("/usr/bin/umoci", X_OK) != 0) {
    WARN("skipped: no umoci");
    return;
  }
  const char* only = std::getenv("PODPILOT_SEED");
  const char* rounds = std::getenv("PODPILOT_ROUNDS");
  const unsigned first = only ? static_cast<unsigned>(std::atoi(only)) : 1;
  const unsigned last = only ? first : rounds ? static_cast<unsigned>(std::atoi(rounds)) : 60;
  unsigned compared = 0;
  for (unsigned seed = first; seed <= last; ++seed) {
    const TempDir layout, rootfs, cache;
    ImageSource source(RandomImage(seed).layers());
    source.write_layout(layout, "x");
    // umoci refuses some (a file as a parent, a loop of links), and so may we: then there is
    // nothing to compare.
    const std::string applied = shell(fmt::format(
        "umoci raw unpack --rootless --image {}:x {}/r >/dev/null 2>&1 && cd {}/r && {{ {}; }}",
        layout.path(), rootfs.path(), rootfs.path(), kList));
    if (applied.find("exit status") != std::string::npos) {
      if (only) WARN(applied);
      continue;
    }
    auto store = oci::Store::open(cache.path());
    REQUIRE(store);
    const auto image = oci::pull(source, *store, {});
    INFO("seed " << seed);
    if (!image) {
      CHECK(image.error().text == "");
      continue;
    }
    CHECK(mounted(*image) == applied);
    ++compared;
  }
  CHECK(compared * 2 > last - first);
}
