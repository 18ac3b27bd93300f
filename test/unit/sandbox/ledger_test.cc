// SPDX-License-Identifier: Apache-2.0
#include "sandbox/ledger.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "sandbox/base/path.h"
#include "test/catch.h"
#include "test/support/scratch_dir.h"
#include "test/support/temp_dir.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using podpilot::sandbox::Ledger;
using podpilot::test::in_memory;
using podpilot::test::rerun_unprivileged;
using podpilot::test::ScratchDir;
using podpilot::test::TempDir;

namespace {

using Paths = std::vector<std::string>;

Paths changed(Ledger& ledger, const std::string& layer) {
  Paths paths = ledger.check(layer, {}).value();
  std::ranges::sort(paths);
  return paths;
}

void make_layer(const ScratchDir& dir, const std::string& layer) {
  dir.write(layer + "/etc/passwd", "root");
  dir.write(layer + "/etc/closed", "secret", 0000);
  dir.link(layer + "/etc/link", "passwd");
  dir.write(layer + "/private/file", "");
  dir.folder(layer + "/private", 0000);
}

}  // namespace

TEST_CASE("a layer that nobody touched is as it was, closed folders too", "[sandbox][ledger]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  make_layer(dir, "l");
  Ledger ledger;
  CHECK(ledger.check(dir / "l", {}).error().fault == Fault::not_found);
  REQUIRE(ledger.learn(dir / "l", {}));
  CHECK(ledger.knows(dir / "l"));
  CHECK(changed(ledger, dir / "l") == Paths());
  CHECK(changed(ledger, dir / "l") == Paths());
  struct stat st{};
  REQUIRE(::stat((dir / "l/private").c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0);
}

TEST_CASE("whatever an owner can do to a layer shows", "[sandbox][ledger]") {
  if (rerun_unprivileged()) return;
  struct Row {
    const char* what;
    std::function<int(const ScratchDir&)> act;
    Paths expected;
  };
  const Row rows[] = {
      {"chmod",
       [](auto& dir) { return ::chmod((dir / "l/etc/passwd").c_str(), 0600); },
       {"etc/passwd"}},
      {"chmod there and back",
       [](auto& dir) {
         return ::chmod((dir / "l/etc/passwd").c_str(), 0600) |
                ::chmod((dir / "l/etc/passwd").c_str(), 0644);
       },
       {"etc/passwd"}},
      {"utimes",
       [](auto& dir) { return ::utimensat(AT_FDCWD, (dir / "l/etc/passwd").c_str(), nullptr, 0); },
       {"etc/passwd"}},
      {"utimes of a symlink",
       [](auto& dir) {
         return ::utimensat(AT_FDCWD, (dir / "l/etc/link").c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
       },
       {"etc/link"}},
      {"setxattr",
       [](auto& dir) {
         return ::setxattr((dir / "l/etc").c_str(), "user.overlay.opaque", "y", 1, 0);
       },
       {"etc"}},
      {"link",
       [](auto& dir) { return ::link((dir / "l/etc/passwd").c_str(), (dir / "x").c_str()); },
       {"etc/passwd"}},
      {"truncate and a forged time",
       [](auto& dir) {
         const timespec old[2] = {{1, 0}, {1, 0}};
         return ::truncate((dir / "l/etc/passwd").c_str(), 0) |
                ::truncate((dir / "l/etc/passwd").c_str(), 4) |
                ::utimensat(AT_FDCWD, (dir / "l/etc/passwd").c_str(), old, 0);
       },
       {"etc/passwd"}},
      {"a new file",
       [](auto& dir) { return ::symlink("x", (dir / "l/etc/new").c_str()); },
       {"etc", "etc/new"}},
      {"a file that goes",
       [](auto& dir) { return ::unlink((dir / "l/etc/link").c_str()); },
       {"etc"}},
      {"the layer itself", [](auto& dir) { return ::chmod((dir / "l").c_str(), 0700); }, {"."}},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const ScratchDir dir;
    make_layer(dir, "l");
    Ledger ledger;
    REQUIRE(ledger.learn(dir / "l", {}));
    // ctime is as fine as the kernel's tick (current_time() in fs/inode.c).
    ::usleep(20'000);
    REQUIRE(row.act(dir) == 0);
    CHECK(changed(ledger, dir / "l") == row.expected);
    CHECK(changed(ledger, dir / "l") == row.expected);
    for (const std::string& path : row.expected) CHECK(ledger.accept(dir / "l", path));
    CHECK(changed(ledger, dir / "l") == Paths());
  }
}

TEST_CASE("our own unlink of a further name is followed, after another's act it is not",
          "[sandbox][ledger]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  make_layer(dir, "l");
  for (const char* name : {"first", "second"})
    REQUIRE(::link((dir / "l/etc/passwd").c_str(), (dir / name).c_str()) == 0);
  Ledger ledger;
  REQUIRE(ledger.learn(dir / "l", {}));
  ::usleep(20'000);
  CHECK(ledger.unlink(dir.fd(), "first") == 0);
  CHECK(changed(ledger, dir / "l") == Paths());
  REQUIRE(::chmod((dir / "l/etc/passwd").c_str(), 0600) == 0);
  CHECK(ledger.unlink(dir.fd(), "second") == 0);
  CHECK(changed(ledger, dir / "l") == Paths{"etc/passwd"});
  CHECK(ledger.unlink(dir.fd(), "absent") == -1);
  CHECK(errno == ENOENT);
}

TEST_CASE("what one layer shares with another is not taken for good twice", "[sandbox][ledger]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  make_layer(dir, "a");
  dir.folder("b");
  Ledger ledger;
  REQUIRE(ledger.learn(dir / "a", {}));
  ::usleep(20'000);
  REQUIRE(::link((dir / "a/etc/passwd").c_str(), (dir / "b/passwd").c_str()) == 0);
  REQUIRE(ledger.learn(dir / "b", {}));
  CHECK(changed(ledger, dir / "a") == Paths{"etc/passwd"});
  CHECK(changed(ledger, dir / "b") == Paths{"passwd"});
  CHECK(ledger.accept(dir / "b", "passwd"));
  CHECK(changed(ledger, dir / "a") == Paths());
}

TEST_CASE("a layer that is forgotten costs nothing and leaves the others", "[sandbox][ledger]") {
  const ScratchDir dir;
  make_layer(dir, "a");
  make_layer(dir, "b");
  Ledger ledger;
  REQUIRE(ledger.learn(dir / "a", {}));
  const std::size_t one = ledger.memory();
  for (int i = 0; i < 100; ++i) {
    REQUIRE(ledger.learn(dir / "b", {}));
    ledger.forget(dir / "b");
  }
  CHECK(ledger.memory() <= one);
  CHECK_FALSE(ledger.knows(dir / "b"));
  CHECK(changed(ledger, dir / "a") == Paths());
  ledger.forget(dir / "never");
}

TEST_CASE("layers that are gone or made anew are forgotten, changed ones are not",
          "[sandbox][ledger]") {
  const ScratchDir dir;
  for (const char* layer : {"a", "b", "c"}) make_layer(dir, layer);
  Ledger ledger;
  for (const char* layer : {"a", "b", "c"}) REQUIRE(ledger.learn(dir / layer, {}));
  REQUIRE(::chmod((dir / "a").c_str(), 0700) == 0);
  const Paths before = changed(ledger, dir / "a");
  REQUIRE(::rename((dir / "b").c_str(), (dir / "gone").c_str()) == 0);
  REQUIRE(::rename((dir / "c").c_str(), (dir / "old").c_str()) == 0);
  make_layer(dir, "c");
  ledger.forget_replaced();
  CHECK(ledger.knows(dir / "a"));
  CHECK_FALSE(ledger.knows(dir / "b"));
  CHECK_FALSE(ledger.knows(dir / "c"));
  CHECK_FALSE(before.empty());
  CHECK(changed(ledger, dir / "a") == before);
}

TEST_CASE("30,000 files cost at most 2 MB", "[sandbox][ledger]") {
  const TempDir dir(in_memory());
  dir.make_dir("l");
  for (int i = 0; i < 30'000; ++i)
    REQUIRE(::mknod((dir / fmt::format("l/{}", i)).c_str(), S_IFREG | 0644, 0) == 0);
  Ledger ledger;
  REQUIRE(ledger.learn(dir / "l", {}));
  CHECK(changed(ledger, dir / "l") == Paths());
  CHECK(ledger.memory() < 2'000'000);
  CHECK(ledger.memory() > 30'000 * 24);
}

TEST_CASE("a layer whose learning was stopped is not known", "[sandbox][ledger]") {
  const ScratchDir dir;
  make_layer(dir, "l");
  std::stop_source source;
  source.request_stop();
  Ledger ledger;
  CHECK(ledger.learn(dir / "l", source.get_token()).error().fault == Fault::transient);
  CHECK_FALSE(ledger.knows(dir / "l"));
}
