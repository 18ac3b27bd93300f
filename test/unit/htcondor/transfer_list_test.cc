// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/dialogue/transfer_list.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/catch.h"
#include "test/support/temp_dir.h"

using namespace podpilot;
using namespace podpilot::agent::htcondor;
using podpilot::test::TempDir;

namespace {

constexpr std::size_t kMany = 1000;

// "path>name", folders with a slash behind.
std::vector<std::string> shown(const OutgoingFiles& out) {
  std::vector<std::string> lines;
  for (const OutgoingFile& file : out.files)
    lines.push_back(file.path + ">" + file.name + (file.folder ? "/" : ""));
  return lines;
}

std::vector<std::string> listed(const TempDir& dir, std::vector<std::string> list,
                                bool preserve = false) {
  OutputWish wish;
  wish.list = std::move(list);
  wish.preserve_relative_paths = preserve;
  const Result<OutgoingFiles> out = outgoing_files(dir.fd(), wish, {}, kMany);
  return out ? shown(*out) : std::vector<std::string>{out.error().text};
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("transfer list: files and folders, flat or with their paths", "[transfer]") {
  TempDir dir;
  dir.write("top.txt", "1");
  dir.write("a/b/in.txt", "22");
  dir.write("a/b/d/deep.txt", "333");
  dir.make_dir("empty");
  CHECK(listed(dir, {"top.txt"}) == Lines{"top.txt>top.txt"});
  CHECK(listed(dir, {"./a//b/in.txt"}) == Lines{"a/b/in.txt>in.txt"});
  CHECK(listed(dir, {"empty"}) == Lines{"empty>empty/"});
  CHECK(listed(dir, {"empty/"}) == Lines{});
  CHECK(listed(dir, {"a/b"}) ==
        Lines{"a/b>b/", "a/b/d>b/d/", "a/b/in.txt>b/in.txt", "a/b/d/deep.txt>b/d/deep.txt"});
  CHECK(listed(dir, {"a/b/"}) ==
        Lines{"a/b/d>d/", "a/b/in.txt>in.txt", "a/b/d/deep.txt>d/deep.txt"});
  CHECK(listed(dir, {"a/b/in.txt", "a/b/d/deep.txt", "top.txt"}, true) ==
        Lines{"a>a/", "a/b>a/b/", "a/b/in.txt>a/b/in.txt", "a/b/d>a/b/d/",
              "a/b/d/deep.txt>a/b/d/deep.txt", "top.txt>top.txt"});
  CHECK(listed(dir, {"a/b/d/"}, true) ==
        Lines{"a>a/", "a/b>a/b/", "a/b/d>a/b/d/", "a/b/d/deep.txt>a/b/d/deep.txt"});

  OutputWish wish;
  wish.list = {"a"};
  CHECK(outgoing_files(dir.fd(), wish, {}, kMany)->bytes == 5);
  const Result<OutgoingFiles> few = outgoing_files(dir.fd(), wish, {}, 3);
  REQUIRE(!few);
  CHECK(few.error().fault == Fault::exhausted);
}

TEST_CASE("transfer list: what is not there or leads out stays, to fail when it is sent",
          "[transfer]") {
  TempDir dir;
  CHECK(listed(dir, {"gone"}) == Lines{"gone>gone"});
  CHECK(listed(dir, {"/etc/passwd"}) == Lines{"/etc/passwd>passwd"});
  CHECK(listed(dir, {"../x"}) == Lines{"../x>x"});
  CHECK(listed(dir, {"/"}) == Lines{"/>output"});
  CHECK(listed(dir, {""}) == Lines{">output"});
}

TEST_CASE("transfer list: symlinks and special files that a payload planted", "[transfer]") {
  TempDir dir;
  dir.write("d/real", "1");
  REQUIRE(::symlink("/etc", (dir / "d/etc").c_str()) == 0);
  REQUIRE(::symlink("real", (dir / "d/link").c_str()) == 0);
  REQUIRE(::symlink("..", (dir / "d/up").c_str()) == 0);
  REQUIRE(::mkfifo((dir / "d/fifo").c_str(), 0600) == 0);
  REQUIRE(::symlink("d", (dir / "linked").c_str()) == 0);
  // Folders behind links are not entered; as files they fail.
  CHECK(listed(dir, {"d"}) ==
        Lines{"d>d/", "d/etc>d/etc", "d/link>d/link", "d/real>d/real", "d/up>d/up"});
  CHECK(listed(dir, {"linked"}) == Lines{"linked>linked"});
  CHECK(listed(dir, {"linked/real"}) == Lines{"linked/real>real"});
  CHECK(listed(dir, {"d/fifo"}) == Lines{});
}

TEST_CASE("transfer list: a tree deeper than paths go ends in a failure", "[transfer]") {
  TempDir dir;
  const std::string name(200, 'd');
  REQUIRE(::mkdirat(dir.fd().get(), name.c_str(), 0700) == 0);
  UniqueFd at(::openat(dir.fd().get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int depth = 0; depth < 30; ++depth) {
    REQUIRE(::mkdirat(at.get(), name.c_str(), 0700) == 0);
    at.reset(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(at);
  }
  const std::vector<std::string> lines = listed(dir, {name});
  REQUIRE(lines.size() == 21);
  CHECK(lines.back().back() != '/');
}

TEST_CASE("transfer list: without a list, what is new or changed at the top", "[transfer]") {
  TempDir dir;
  dir.write("job.sh", "#!");
  dir.write("input", "same");
  dir.write("other", "before");
  dir.write(".job.ad", "x");
  const Catalog before = *take_catalog(dir.fd());
  dir.write("other", "after!");
  const timespec times[2] = {{1, 0}, {1, 0}};
  REQUIRE(::utimensat(dir.fd().get(), "other", times, 0) == 0);
  dir.write("new", "n");
  dir.write("folder/file", "f");
  dir.write("_podpilot_stdout", "out");
  dir.write("job.sh", "#! changed");
  OutputWish wish;
  wish.stdout_path = "_podpilot_stdout";
  wish.stderr_path = "_podpilot_stderr";  // never written
  wish.not_output = {"job.sh"};
  const Result<OutgoingFiles> out = outgoing_files(dir.fd(), wish, before, kMany);
  REQUIRE(out);
  CHECK(shown(*out) == Lines{"new>new", "other>other", "_podpilot_stdout>_condor_stdout"});
  CHECK(out->bytes == 1 + 6 + 3);
}
