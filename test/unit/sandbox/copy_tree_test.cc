// SPDX-License-Identifier: Apache-2.0
#include "sandbox/copy_tree.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sandbox/base/path.h"
#include "sandbox/flatten.h"
#include "test/catch.h"
#include "test/support/scratch_dir.h"
#include "test/support/tree_listing.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::test;
using podpilot::sandbox::Ledger;

namespace {

struct stat stat_of(const std::string& path) {
  struct stat st{};
  REQUIRE(::lstat(path.c_str(), &st) == 0);
  return st;
}

std::string list(const std::string& path) {
  const DirFd dir = open_dir(path).value();
  return list_everything(dir);
}

}  // namespace

TEST_CASE("a copy is all the same and shares no inode", "[sandbox][flatten]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  dir.write("1/etc/passwd", "root", 0640);
  dir.write("1/etc/ssl/cert", std::string(100'000, 'c'));
  REQUIRE(::link((dir / "1/etc/ssl/cert").c_str(), (dir / "1/etc/again").c_str()) == 0);
  dir.link("1/etc/link", "/absolute/nowhere");
  REQUIRE(::mkfifo((dir / "1/etc/fifo").c_str(), 0600) == 0);
  REQUIRE(::setxattr((dir / "1/etc/passwd").c_str(), "user.file", "f", 1, 0) == 0);
  REQUIRE(::setxattr((dir / "1/etc/ssl").c_str(), "user.folder", "d", 1, 0) == 0);
  dir.folder("1/etc/ssl", 0550);
  dir.folder("flat");
  dir.folder("to");
  Ledger ledger;
  REQUIRE(sandbox::flatten({dir / "1"}, dir / "flat", {}, ledger));
  const DirFd from = open_dir(dir / "flat").value();
  const DirFd to = open_dir(dir / "to").value();
  const auto stats = sandbox::copy_tree(from, "etc", to, {}, ledger);
  INFO((stats ? "" : stats.error().text));
  REQUIRE(stats);
  CHECK(list(dir / "to/etc") == list(dir / "1/etc"));
  CHECK(stats->folders == 2);
  CHECK(stats->copied == 4);
  CHECK(stats->linked == 1);
  for (const char* path : {"passwd", "ssl/cert", "link", "fifo"})
    CHECK(stat_of(dir / ("to/etc/" + std::string(path))).st_ino !=
          stat_of(dir / ("1/etc/" + std::string(path))).st_ino);
  CHECK(stat_of(dir / "to/etc/again").st_ino == stat_of(dir / "to/etc/ssl/cert").st_ino);
  CHECK(stat_of(dir / "to/etc/again").st_nlink == 2);
  dir.write("to/etc/passwd", "changed");
  CHECK(dir.read("1/etc/passwd") == "root");
  CHECK(ledger.check(dir / "1", {}).value().empty());
}

TEST_CASE("what its owner cannot read is copied, and the layer's file does not count as changed",
          "[sandbox][flatten]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  dir.write("1/etc/shadow", "secret", 0600);
  REQUIRE(::setxattr((dir / "1/etc/shadow").c_str(), "user.file", "f", 1, 0) == 0);
  dir.folder("1/etc/closed", 0000);
  REQUIRE(::chmod((dir / "1/etc/shadow").c_str(), 0000) == 0);
  dir.folder("flat");
  dir.folder("to");
  Ledger ledger;
  REQUIRE(sandbox::flatten({dir / "1"}, dir / "flat", {}, ledger));
  ::usleep(20'000);
  const DirFd to = open_dir(dir / "to").value();
  const auto stats = sandbox::copy_tree(open_dir(dir / "flat").value(), "etc", to, {}, ledger);
  INFO((stats ? "" : stats.error().text));
  REQUIRE(stats);
  CHECK(stat_of(dir / "1/etc/shadow").st_mode == S_IFREG);
  CHECK(ledger.check(dir / "1", {}).value().empty());
  CHECK(stat_of(dir / "to/etc/shadow").st_mode == S_IFREG);
  CHECK(stat_of(dir / "to/etc/closed").st_mode == S_IFDIR);
  REQUIRE(::chmod((dir / "to/etc/shadow").c_str(), 0600) == 0);
  CHECK(dir.read("to/etc/shadow") == "secret");
  char value = 0;
  CHECK(::getxattr((dir / "to/etc/shadow").c_str(), "user.file", &value, 1) == 1);
}

TEST_CASE("holes stay holes", "[sandbox][flatten]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  dir.folder("etc");
  dir.folder("to");
  constexpr off_t kSize = off_t{1} << 40;
  const UniqueFd fd(::open((dir / "etc/sparse").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  REQUIRE(::ftruncate(fd.get(), kSize) == 0);
  REQUIRE(::pwrite(fd.get(), "middle", 6, kSize / 2) == 6);
  Ledger ledger;
  const DirFd to = open_dir(dir / "to").value();
  REQUIRE(sandbox::copy_tree(dir.fd(), "etc", to, {}, ledger));
  const struct stat st = stat_of(dir / "to/etc/sparse");
  CHECK(st.st_size == kSize);
  CHECK(st.st_blocks == stat_of(dir / "etc/sparse").st_blocks);
  const UniqueFd copy(::open((dir / "to/etc/sparse").c_str(), O_RDONLY | O_CLOEXEC));
  char text[6];
  CHECK(::pread(copy.get(), text, 6, kSize / 2) == 6);
  CHECK(std::string(text, 6) == "middle");
}

TEST_CASE("a link in the folder's place is not followed, and nothing is overwritten",
          "[sandbox][flatten]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  dir.write("real/file", "");
  dir.link("etc", "real");
  dir.folder("to/real");
  Ledger ledger;
  const DirFd to = open_dir(dir / "to").value();
  CHECK(sandbox::copy_tree(dir.fd(), "etc", to, {}, ledger).error().fault == Fault::invalid);
  CHECK(sandbox::copy_tree(dir.fd(), "real", to, {}, ledger).error().fault == Fault::invalid);
  CHECK(sandbox::copy_tree(dir.fd(), "absent", to, {}, ledger).error().fault == Fault::not_found);
}

TEST_CASE("a copy keeps to the room that it has", "[sandbox][flatten]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  dir.write("from/etc/a", std::string(600, 'a'));
  dir.write("from/etc/b", std::string(500, 'b'));
  dir.folder("to");
  const DirFd from = open_dir(dir / "from").value();
  const DirFd to = open_dir(dir / "to").value();
  Ledger ledger;
  CHECK(sandbox::copy_tree(from, "etc", to, {}, ledger, 1099).error().fault == Fault::exhausted);
  REQUIRE(remove_tree(to, "etc"));
  const auto stats = sandbox::copy_tree(from, "etc", to, {}, ledger, 1100);
  REQUIRE(stats);
  CHECK(stats->copied_bytes == 1100);
}
