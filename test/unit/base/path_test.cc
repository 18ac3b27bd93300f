// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/path.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "sandbox/base/io.h"
#include "test/catch.h"
#include "test/support/scratch_dir.h"
#include "test/support/temp_dir.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using podpilot::test::rerun_unprivileged;
using podpilot::test::ScratchDir;
using podpilot::test::TempDir;

namespace {

bool exists(const std::string& path) {
  struct stat st{};
  return ::lstat(path.c_str(), &st) == 0;
}

std::string content(Result<UniqueFd> fd) {
  if (!fd) return "error: " + fd.error().text;
  return read_all(*fd, 1000).value();
}

// A chain of `levels` folders named `d`, deeper than any path may be long.
void make_deep(BorrowedFd parent, int levels) {
  UniqueFd at(::dup(parent.get()));
  for (int i = 0; i < levels; ++i) {
    REQUIRE(::mkdirat(at.get(), "d", 0755) == 0);
    at.reset(::openat(at.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(at);
  }
}

class OpenFilesLimit {
 public:
  explicit OpenFilesLimit(rlim_t limit) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit low{limit, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &low);
  }
  ~OpenFilesLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("open_beneath takes no symlink and no way out", "[base][path]") {
  const ScratchDir dir;
  dir.write("root/etc/passwd", "inside");
  dir.write("outside", "outside");
  dir.link("root/absolute", "/etc/passwd");
  dir.link("root/up", "../outside");
  dir.link("root/harmless", "etc");
  const DirFd root = open_dir(dir / "root").value();
  CHECK(content(open_beneath(root, "etc/passwd", O_RDONLY)) == "inside");
  CHECK(content(open_beneath(root, "etc/../etc/passwd", O_RDONLY)) == "inside");
  for (const char* path : {"../outside", "etc/../../outside", "/etc/passwd"}) {
    CAPTURE(path);
    const auto out = open_beneath(root, path, O_RDONLY);
    CHECK(out.error().fault == Fault::invalid);
    CHECK(out.error().text == std::string(path) + ": leads out of its folder");
  }
  for (const char* path : {"absolute", "up", "harmless/passwd"}) {
    CAPTURE(path);
    CHECK(open_beneath(root, path, O_RDONLY).error().fault == Fault::invalid);
  }
}

TEST_CASE("open_in_root resolves as the image itself would", "[base][path]") {
  const ScratchDir dir;
  dir.write("root/etc/passwd", "inside");
  dir.write("outside", "outside");
  dir.link("root/absolute", "/etc/passwd");
  dir.link("root/up", "../../../../etc/passwd");
  dir.link("root/bin", "usr/bin");
  dir.write("root/usr/bin/tool", "tool");
  dir.link("root/loop", "loop");
  const DirFd root = open_dir(dir / "root").value();
  CHECK(content(open_in_root(root, "absolute", O_RDONLY)) == "inside");
  CHECK(content(open_in_root(root, "up", O_RDONLY)) == "inside");
  CHECK(content(open_in_root(root, "../../etc/passwd", O_RDONLY)) == "inside");
  CHECK(content(open_in_root(root, "/bin/tool", O_RDONLY)) == "tool");
  CHECK(open_in_root(root, "../outside", O_RDONLY).error().fault == Fault::not_found);
  CHECK(open_in_root(root, "loop", O_RDONLY).error().fault == Fault::invalid);
}

TEST_CASE("magic links of /proc lead nowhere", "[base][path]") {
  const DirFd root = open_dir("/").value();
  for (const char* path : {"proc/self/root/etc", "proc/self/exe", "proc/self/cwd"}) {
    CAPTURE(path);
    CHECK(open_in_root(root, path, O_RDONLY).error().fault == Fault::invalid);
    CHECK(open_beneath(root, path, O_RDONLY).error().fault == Fault::invalid);
  }
}

TEST_CASE("opened descriptors are close-on-exec", "[base][path]") {
  const ScratchDir dir;
  dir.write("f", "");
  for (const auto& fd :
       {open_beneath(dir.fd(), "f", O_RDONLY), open_in_root(dir.fd(), "f", O_RDONLY)})
    CHECK((::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((::fcntl(open_dir(dir.path())->get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("exists_at sees a link that leads nowhere", "[base][path]") {
  const TempDir dir;
  dir.make_dir("d");
  dir.write("d/file", "");
  REQUIRE(::symlink("nowhere", (dir / "link").c_str()) == 0);
  for (const char* there : {"d", "d/file", "link"}) CHECK(exists_at(dir.fd(), there));
  for (const char* absent : {"", "nowhere", "d/nothing", "link/x"})
    CHECK(!exists_at(dir.fd(), absent));
}

TEST_CASE("make_dir_at makes once and takes neither a file nor a link", "[base][path]") {
  const ScratchDir dir;
  dir.write("file", "");
  dir.folder("real");
  dir.link("link", "real");
  CHECK(make_dir_at(dir.fd(), "new", 0700));
  CHECK(make_dir_at(dir.fd(), "new", 0700));
  CHECK_FALSE(make_dir_at(dir.fd(), "file", 0700));
  CHECK_FALSE(make_dir_at(dir.fd(), "link", 0700));
}

TEST_CASE("make_dirs makes all on the way and names what is in it", "[base][path]") {
  const ScratchDir dir;
  dir.write("file", "");
  CHECK(make_dirs(dir / "a/b/c", 0755));
  CHECK(make_dirs(dir / "a/b/c", 0755));
  CHECK(make_dirs("/proc/self", 0755));
  const auto through = make_dirs(dir / "file/x", 0755);
  CHECK(through.error().text.find(dir / "file") != std::string::npos);
}

TEST_CASE("remove_tree removes links and not what they point at", "[base][path]") {
  const ScratchDir dir;
  dir.write("kept/file", "kept");
  dir.folder("tree");
  dir.link("tree/to-folder", "../kept");
  dir.link("tree/to-file", "../kept/file");
  dir.link("link", "kept");
  CHECK(remove_tree(dir.fd(), "tree"));
  CHECK(remove_tree(dir.fd(), "link"));
  CHECK(remove_tree(dir.fd(), "absent"));
  CHECK_FALSE(exists(dir / "tree"));
  CHECK_FALSE(exists(dir / "link"));
  CHECK(dir.read("kept/file") == "kept");
}

TEST_CASE("remove_tree opens up folders that their owner closed", "[base][path]") {
  if (rerun_unprivileged()) return;
  const ScratchDir dir;
  dir.write("tree/a/b/file", "");
  dir.write("tree/c/file", "");
  dir.folder("tree/a/b", 0000);
  dir.folder("tree/a", 0000);
  dir.folder("tree/c", 0500);
  dir.folder("tree", 0000);
  const auto removed = remove_tree(dir.fd(), "tree");
  INFO((removed ? "" : removed.error().text));
  CHECK(removed);
  CHECK_FALSE(exists(dir / "tree"));
}

TEST_CASE("remove_tree needs few descriptors however deep the tree is", "[base][path]") {
  const ScratchDir dir;
  make_deep(dir.fd(), 3000);
  dir.write("d/d/d/beside/file", "");
  const OpenFilesLimit limit(256);
  const auto removed = remove_tree(dir.fd(), "d");
  INFO((removed ? "" : removed.error().text));
  CHECK(removed);
  CHECK_FALSE(exists(dir / "d"));
}

TEST_CASE("remove_tree finds its way in trees that branch below the open levels", "[base][path]") {
  const ScratchDir dir;
  std::string path = "t";
  for (int level = 0; level < 90; ++level) {
    dir.write(path + "/before/file", "");
    dir.write(path + "/zz/file", "");
    path += "/m";
  }
  CHECK(remove_tree(dir.fd(), "t"));
  CHECK_FALSE(exists(dir / "t"));
}

TEST_CASE("remove_tree outlasts a copy that still fills the tree", "[base][path]") {
  const TempDir dir(podpilot::test::in_memory());
  for (int i = 0; i < 3000; ++i) dir.write("tree/full/" + std::to_string(i), "");
  const DirFd tree = open_dir(dir / "tree").value();
  const UniqueFd removals(::inotify_init1(IN_CLOEXEC));
  REQUIRE(::inotify_add_watch(removals.get(), (dir / "tree/full").c_str(), IN_DELETE) > 0);
  // `tree` was read by then, and is removed after `full`.
  std::jthread copy([&] {
    char event[4096];
    if (::read(removals.get(), event, sizeof event) <= 0) return;
    const UniqueFd late(::openat(tree.get(), "late", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  });
  const auto removed = remove_tree(dir.fd(), "tree");
  INFO((removed ? "" : removed.error().text));
  CHECK(removed);
  CHECK_FALSE(dir.has("tree"));
}
