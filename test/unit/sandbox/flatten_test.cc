// SPDX-License-Identifier: Apache-2.0
#include "sandbox/flatten.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/base/path.h"
#include "sandbox/folder_reader.h"
#include "test/catch.h"
#include "test/support/scratch_dir.h"
#include "test/support/temp_dir.h"
#include "test/support/tree_listing.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::test;
using podpilot::sandbox::Ledger;
using podpilot::sandbox::TreeStats;

namespace {

struct stat stat_of(const std::string& path) {
  struct stat st{};
  REQUIRE(::lstat(path.c_str(), &st) == 0);
  return st;
}

void whiteout(const std::string& path) {
  REQUIRE(::mknod(path.c_str(), S_IFCHR, makedev(0, 0)) == 0);
}

void opaque(const std::string& path) {
  REQUIRE(::setxattr(path.c_str(), "user.overlay.opaque", "y", 1, 0) == 0);
}

// Layers "1", "2"... of `dir`, lowest first, into "flat".
struct Flat {
  const ScratchDir& dir;
  std::vector<std::string> layers;
  Ledger ledger;
  Result<TreeStats> stats;

  Flat(const ScratchDir& in, int count) : dir(in) {
    for (int i = 1; i <= count; ++i) layers.push_back(dir / std::to_string(i));
    again("flat");
  }
  void again(const std::string& target) {
    dir.folder(target);
    stats = sandbox::flatten(layers, dir / target, {}, ledger);
    INFO((stats ? "" : stats.error().text));
    REQUIRE(stats);
  }
  std::string list() const {
    const DirFd flat = open_dir(dir / "flat").value();
    return list_tree(flat);
  }
};

}  // namespace

TEST_CASE("three layers with whiteouts and opaque folders become one tree", "[sandbox][flatten]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  dir.write("1/same", "one");
  dir.write("2/same", "two!");
  dir.write("3/same", "three");
  dir.write("1/gone", "");
  dir.folder("2");
  whiteout(dir / "2/gone");
  whiteout(dir / "2/never-was");
  dir.write("1/opt/below", "");
  dir.write("2/opt/above", "");
  opaque(dir / "2/opt");
  whiteout(dir / "2/opt/below");
  dir.write("3/opt/top", "");
  dir.write("1/file-then-folder", "");
  dir.write("2/file-then-folder/in", "");
  dir.write("1/folder-then-file/in", "");
  dir.write("2/folder-then-file", "x");
  dir.write("1/back/again", "old");
  whiteout(dir / "2/back");
  dir.write("3/back/new", "");
  dir.folder("1/target");
  dir.link("1/link-then-folder", "target");
  dir.folder("2/link-then-folder", 0700);
  const Flat flat(dir, 3);
  CHECK(flat.list() ==
        "back d 0755\nback/new f 0644 0\nfile-then-folder d 0755\nfile-then-folder/in f 0644 0\n"
        "folder-then-file f 0644 1\nlink-then-folder d 0700\nopt d 0755\nopt/above f 0644 0\n"
        "opt/top f 0644 0\nsame f 0644 5\ntarget d 0755\n");
  CHECK(flat.stats->folders == 6);
  CHECK(flat.stats->linked == 6);
  CHECK(flat.stats->copied == 0);
}

TEST_CASE("files and symlinks are links, fifos are not, sockets are left out",
          "[sandbox][flatten]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  dir.write("1/file", "content");
  dir.link("1/link", "file");
  REQUIRE(::mkfifo((dir / "1/fifo").c_str(), 0600) == 0);
  REQUIRE(::chmod((dir / "1/fifo").c_str(), 0662) == 0);
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{AF_UNIX, {}};
  (dir / "1/socket").copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  const Flat flat(dir, 1);
  CHECK(stat_of(dir / "flat/file").st_ino == stat_of(dir / "1/file").st_ino);
  CHECK(stat_of(dir / "flat/link").st_ino == stat_of(dir / "1/link").st_ino);
  CHECK(stat_of(dir / "flat/fifo").st_ino != stat_of(dir / "1/fifo").st_ino);
  CHECK(stat_of(dir / "flat/fifo").st_mode == (S_IFIFO | 0662));
  CHECK(::access((dir / "flat/socket").c_str(), F_OK) != 0);
  CHECK(flat.stats->skipped == 1);
}

TEST_CASE("folders get mode, time and attributes of the topmost layer that has them",
          "[sandbox][flatten]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  dir.write("1/d/low", "");
  dir.write("2/d/sub/high", "");
  opaque(dir / "2/d/sub");
  REQUIRE(::setxattr((dir / "2/d").c_str(), "user.note", "kept", 4, 0) == 0);
  REQUIRE(::setxattr((dir / "1/d").c_str(), "user.low", "x", 1, 0) == 0);
  const timespec old[2] = {{1000, 5}, {2000, 7}};
  REQUIRE(::utimensat(AT_FDCWD, (dir / "2/d").c_str(), old, 0) == 0);
  dir.folder("2/d", 02750);
  dir.folder("1", 0711);
  dir.folder("2", 0751);
  const Flat flat(dir, 2);
  const struct stat st = stat_of(dir / "flat/d");
  CHECK(st.st_mode == (S_IFDIR | 02750));
  CHECK(st.st_mtim.tv_sec == 2000);
  CHECK(st.st_mtim.tv_nsec == 7);
  CHECK(stat_of(dir / "flat").st_mode == (S_IFDIR | 0751));
  char names[256];
  CHECK(std::string(names, static_cast<std::size_t>(
                               ::listxattr((dir / "flat/d").c_str(), names, sizeof names))) ==
        std::string("user.note\0", 10));
  CHECK(::listxattr((dir / "flat/d/sub").c_str(), names, sizeof names) == 0);
}

TEST_CASE("folders that are closed to their owner are gone through and stay closed",
          "[sandbox][flatten]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  dir.write("1/a/b/file", "deep");
  dir.write("2/a/b/more", "", 0000);
  for (const char* layer : {"1", "2"}) {
    dir.folder(std::string(layer) + "/a/b", 0000);
    dir.folder(std::string(layer) + "/a", 0200);
    dir.folder(layer, 0000);
  }
  Flat flat(dir, 2);
  for (const char* tree : {"1", "2", "flat"}) {
    CHECK(stat_of(dir / tree).st_mode == S_IFDIR);
    REQUIRE(::chmod((dir / tree).c_str(), 0700) == 0);
    CHECK(stat_of(dir / (std::string(tree) + "/a")).st_mode == (S_IFDIR | 0200));
    REQUIRE(::chmod((dir / (std::string(tree) + "/a")).c_str(), 0700) == 0);
    CHECK(stat_of(dir / (std::string(tree) + "/a/b")).st_mode == S_IFDIR);
    REQUIRE(::chmod((dir / (std::string(tree) + "/a/b")).c_str(), 0700) == 0);
  }
  CHECK(flat.list() == "a d 0700\na/b d 0700\na/b/file f 0644 4\na/b/more f 0000 0\n");
}

TEST_CASE("names of every kind, folders with many of them, trees deeper than a path",
          "[sandbox][flatten]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  const std::string longest(255, 'n');
  dir.write("1/new\nline", "");
  dir.write("1/" + longest + "/beside", "");
  dir.write("1/many/0", "");
  for (int i = 1; i < 10'000; ++i)
    REQUIRE(::link((dir / "1/many/0").c_str(), (dir / fmt::format("1/many/{}", i)).c_str()) == 0);
  constexpr int kDepth = 1000;
  UniqueFd at(::dup(open_dir(dir / "1").value().get()));
  for (int i = 0; i < kDepth; ++i) {
    REQUIRE((::mkdirat(at.get(), longest.c_str(), 0755) == 0 || (errno == EEXIST && i == 0)));
    at.reset(::openat(at.get(), longest.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(at);
  }
  REQUIRE(::symlinkat("end", at.get(), "end") == 0);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const rlimit few{16, files.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  Flat flat(dir, 1);
  ::setrlimit(RLIMIT_NOFILE, &files);
  CHECK(flat.stats->folders == kDepth + 2);
  CHECK(flat.stats->linked == 10'003);
  std::string path = longest;
  for (int i = 1; i < kDepth; ++i) path += "/" + longest;
  const DirFd root = open_dir(dir / "flat").value();
  const UniqueFd bottom = sandbox::open_folder(root, path, O_RDONLY).value();
  CHECK(::faccessat(bottom.get(), "end", F_OK, AT_SYMLINK_NOFOLLOW) == 0);
  CHECK(sandbox::remove_flattened(dir.fd(), "flat", flat.ledger));
  CHECK(flat.ledger.check(dir / "1", {}).value().empty());
}

TEST_CASE("a filesystem that refuses the link gets a copy", "[sandbox][flatten]") {
  if (rerun_unprivileged()) return;
  struct stat memory{};
  if (::stat("/dev/shm", &memory) != 0 || ::access("/dev/shm", W_OK) != 0) {
    WARN("skipped: no /dev/shm");
    return;
  }
  const ScratchDir dir;
  const TempDir elsewhere("/dev/shm");
  REQUIRE(stat_of(dir.path()).st_dev != memory.st_dev);
  dir.write("1/d/file", "content", 0640);
  dir.write("1/closed", "secret", 0000);
  dir.link("1/link", "d/file");
  Ledger ledger;
  for (const char* target : {"first", "second"}) {
    elsewhere.make_dir(target);
    const auto stats = sandbox::flatten({dir / "1"}, elsewhere / target, {}, ledger);
    INFO((stats ? "" : stats.error().text));
    REQUIRE(stats);
    CHECK(stats->linked == 0);
    CHECK(stats->copied == 3);
    CHECK(stats->changed.empty());
    const DirFd root = open_dir(elsewhere / target).value();
    CHECK(list_tree(root) == "closed f 0000 6\nd d 0755\nd/file f 0640 7\nlink l d/file\n");
    CHECK(elsewhere.read(std::string(target) + "/d/file") == "content");
    CHECK(stat_of(elsewhere / (std::string(target) + "/d/file")).st_mtim.tv_nsec ==
          stat_of(dir / "1/d/file").st_mtim.tv_nsec);
  }
  CHECK(ledger.check(dir / "1", {}).value().empty());
}

TEST_CASE("trees that share a layer come and go, and what was changed meanwhile is named",
          "[sandbox][flatten]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  dir.write("1/etc/a", "a");
  dir.write("1/etc/b", "b");
  REQUIRE(::link((dir / "1/etc/b").c_str(), (dir / "1/etc/b2").c_str()) == 0);
  dir.write("2/top", "");
  Flat flat(dir, 2);
  CHECK(flat.stats->changed.empty());
  ::usleep(20'000);
  flat.again("second");
  CHECK(flat.stats->changed.empty());
  CHECK(sandbox::remove_flattened(dir.fd(), "flat", flat.ledger));
  CHECK(flat.ledger.check(dir / "1", {}).value().empty());
  ::usleep(20'000);
  REQUIRE(::chmod((dir / "second/etc/a").c_str(), 0777) == 0);
  opaque(dir / "1/etc");
  flat.again("third");
  REQUIRE(flat.stats->changed.size() == 2);
  CHECK(flat.stats->changed[0].path == "etc");
  CHECK(flat.stats->changed[1].path == "etc/a");
  CHECK(flat.stats->changed[1].layer == dir / "1");
  CHECK(flat.ledger.check(dir / "1", {}).value().size() == 2);
}

TEST_CASE("a fix-up that shares a file with a layer below is followed in both",
          "[sandbox][flatten]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  dir.write("1/bin/tool", "tool");
  dir.folder("2/usr");
  REQUIRE(::link((dir / "1/bin/tool").c_str(), (dir / "2/usr/tool").c_str()) == 0);
  Flat flat(dir, 2);
  ::usleep(20'000);
  flat.again("second");
  CHECK(flat.stats->changed.empty());
  for (const std::string& layer : flat.layers) CHECK(flat.ledger.check(layer, {}).value().empty());
  // One layer known, another new one with the same file.
  dir.folder("3/opt");
  REQUIRE(::link((dir / "1/bin/tool").c_str(), (dir / "3/opt/tool").c_str()) == 0);
  CHECK(flat.ledger.accept(dir / "1", "bin/tool"));
  flat.layers.push_back(dir / "3");
  ::usleep(20'000);
  flat.again("third");
  CHECK(flat.stats->changed.empty());
  for (const std::string& layer : flat.layers) CHECK(flat.ledger.check(layer, {}).value().empty());
}

TEST_CASE("a stop ends it and leaves the modes of the layers", "[sandbox][flatten]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  dir.write("1/a/file", "");
  dir.folder("1", 0000);
  dir.folder("flat");
  std::stop_source source;
  source.request_stop();
  Ledger ledger;
  const auto stats = sandbox::flatten({dir / "1"}, dir / "flat", source.get_token(), ledger);
  CHECK(stats.error().fault == Fault::transient);
  CHECK(stat_of(dir / "1").st_mode == S_IFDIR);
  CHECK_FALSE(ledger.knows(dir / "1"));
}
