// SPDX-License-Identifier: Apache-2.0
// What flatten() makes of random layers, against what the kernel's own overlayfs shows of them.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <random>

#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/copy_tree.h"
#include "sandbox/flatten.h"
#include "test/catch.h"
#include "test/support/scratch_dir.h"
#include "test/support/tree_listing.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::test;

namespace {

// Folders, files and links that meet under few names, some of them hard to print.
class RandomLayers {
 public:
  RandomLayers(const ScratchDir& dir, unsigned seed) : dir_(dir), random_(seed) {
    const unsigned count = 1 + pick(5);
    for (unsigned i = 0; i < count; ++i) {
      root_ = dir_ / fmt::format("layer{}", i);
      REQUIRE(::mkdir(root_.c_str(), 0755) == 0);
      fill("", 0);
      finish(root_);
      paths_.push_back(root_);
    }
  }

  const std::vector<std::string>& paths() const { return paths_; }

 private:
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

  void fill(const std::string& above, unsigned depth) {
    static const std::vector<std::string> kNames = {"a", "b\n", "c d", "\xff",
                                                    std::string(255, 'n')};
    for (const std::string& name : kNames)
      if (pick(5) > 0) make(above + "/" + name, depth);
  }

  void make(const std::string& path, unsigned depth) {
    const std::string full = root_ + path;
    switch (pick(9)) {
      case 0:
        REQUIRE(::mknod(full.c_str(), S_IFCHR, makedev(0, 0)) == 0);
        return;
      case 1:
        REQUIRE(::symlink(pick(2) ? "a" : "../c d/nowhere", full.c_str()) == 0);
        break;
      case 2:
        REQUIRE(::mkfifo(full.c_str(), 0640) == 0);
        break;
      case 3:
        // Not of the layer below, and not where its folder is closed already.
        if (!files_.empty() && files_.back().starts_with(root_ + "/") &&
            ::link(files_.back().c_str(), full.c_str()) == 0)
          return;
        [[fallthrough]];
      case 4:
        make_file(full);
        break;
      default:
        REQUIRE(::mkdir(full.c_str(), 0755) == 0);
        if (depth < 3) fill(path, depth + 1);
        finish(full);
        return;
    }
    set_time(full);
  }

  void make_file(const std::string& full) {
    static constexpr mode_t kModes[] = {0644, 0755, 0600, 0000, 0111};
    const UniqueFd fd(::open(full.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    REQUIRE(write_all(fd, std::string(pick(9000), 'x')));
    if (pick(3) == 0) REQUIRE(::fsetxattr(fd.get(), "user.test", "value", 5, 0) == 0);
    REQUIRE(::fchmod(fd.get(), kModes[pick(5)]) == 0);
    files_.push_back(full);
  }

  // A folder that has all its names.
  void finish(const std::string& full) {
    static constexpr mode_t kModes[] = {0755, 0700, 01777, 02755, 0000, 0500, 0600, 0100};
    if (pick(4) == 0) REQUIRE(::setxattr(full.c_str(), "user.overlay.opaque", "y", 1, 0) == 0);
    if (pick(4) == 0) REQUIRE(::setxattr(full.c_str(), "user.folder", "is one", 6, 0) == 0);
    set_time(full);
    REQUIRE(::chmod(full.c_str(), kModes[pick(4) ? 0 : pick(8)]) == 0);
  }

  void set_time(const std::string& full) {
    const timespec at{pick(2'000'000'000), pick(1'000'000'000)};
    const timespec both[2] = {at, at};
    REQUIRE(::utimensat(AT_FDCWD, full.c_str(), both, AT_SYMLINK_NOFOLLOW) == 0);
  }

  const ScratchDir& dir_;
  std::mt19937 random_;
  std::string root_;
  std::vector<std::string> files_;
  std::vector<std::string> paths_;
};

void write_file(const char* path, const std::string& text) {
  const UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  if (!write_all(fd, text)) ::_exit(1);
}

// As root of a user namespace, who can read what its owner closed.
std::string in_namespace(int more, const std::function<std::string()>& work) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const std::string uid_map = fmt::format("0 {} 1\n", ::geteuid());
  const std::string gid_map = fmt::format("0 {} 1\n", ::getegid());
  const pid_t pid = fork_into(CLONE_NEWUSER | more);
  REQUIRE(pid >= 0);
  if (pid == 0) {
    write_file("/proc/self/uid_map", uid_map);
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/gid_map", gid_map);
    const bool told = write_all(BorrowedFd(ends[1]), work()).has_value();
    ::_exit(told ? 0 : 1);
  }
  ::close(ends[1]);
  const UniqueFd in(ends[0]);
  const Result<std::string> text = read_all(in, 64 << 20);
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  REQUIRE(status == 0);
  return text.value();
}

std::string list_folder(const std::string& path) {
  const Result<DirFd> dir = open_dir(path);
  return dir ? list_everything(*dir) : dir.error().text;
}

std::string list_mounted(const ScratchDir& dir, const std::vector<std::string>& layers) {
  std::string lower;
  for (std::size_t i = layers.size(); i-- > 0;) lower += layers[i] + ":";
  // overlayfs wants two lower layers where it has no upper one.
  lower += dir / "empty";
  const std::string options = "userxattr,lowerdir=" + lower;
  const std::string at = dir / "mounted";
  if (::mount("overlay", at.c_str(), "overlay", MS_RDONLY, options.c_str()) != 0)
    return "no mount: " + options;
  return list_folder(at);
}

}  // namespace

TEST_CASE("a flattened tree is what overlayfs shows, and so is a copy of it",
          "[component][flatten]") {
  if (rerun_unprivileged()) return;
  const char* only = std::getenv("PODPILOT_SEED");
  const char* rounds = std::getenv("PODPILOT_ROUNDS");
  const unsigned first = only ? static_cast<unsigned>(std::atoi(only)) : 1;
  const unsigned last = only ? first : rounds ? static_cast<unsigned>(std::atoi(rounds)) : 40;
  std::size_t lines = 0;
  for (unsigned seed = first; seed <= last; ++seed) {
    INFO("seed " << seed);
    const ScratchDir dir;
    for (const char* name : {"empty", "mounted", "flat", "copies"}) dir.folder(name);
    const RandomLayers layers(dir, seed);
    const std::string& top = layers.paths().back();
    const std::string expected = in_namespace(
        CLONE_NEWNS, [&] { return list_mounted(dir, layers.paths()) + list_folder(top); });
    REQUIRE(expected.starts_with(". "));

    sandbox::Ledger ledger;
    const auto flat = sandbox::flatten(layers.paths(), dir / "flat", {}, ledger);
    INFO((flat ? "" : flat.error().text));
    REQUIRE(flat);
    const DirFd copies = open_dir(dir / "copies").value();
    const auto copied = sandbox::copy_tree(dir.fd(), "flat", copies, {}, ledger);
    INFO((copied ? "" : copied.error().text));
    REQUIRE(copied);
    // The layer is as it was.
    const auto list_with_layer = [&](const char* tree) {
      return list_folder(dir / tree) + list_folder(top);
    };
    CHECK(in_namespace(0, [&] { return list_with_layer("flat"); }) == expected);
    CHECK(in_namespace(0, [&] { return list_with_layer("copies/flat"); }) == expected);

    for (const std::string& layer : layers.paths())
      CHECK(ledger.check(layer, {}).value() == std::vector<std::string>());
    CHECK(sandbox::remove_flattened(dir.fd(), "flat", ledger));
    for (const std::string& layer : layers.paths())
      CHECK(ledger.check(layer, {}).value() == std::vector<std::string>());
    lines += static_cast<std::size_t>(std::ranges::count(expected, '\n'));
  }
  CHECK(lines > 20 * (last - first));
}
