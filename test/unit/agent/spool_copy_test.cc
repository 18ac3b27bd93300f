// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/scheduler/spool/copy_tree.h"
#include "test/catch.h"
#include "test/support/temp_dir.h"

using namespace podpilot;
using namespace podpilot::agent::spool;
using podpilot::test::TempDir;

namespace {

struct Copy {
  TempDir from;
  TempDir to;
  TreeCopier copier{to.fd(), {}, {}};

  Result<void> operator()(const std::string& path) { return copier.copy(from.fd(), path, path); }
};

}  // namespace

TEST_CASE("a tree is copied with modes, symlinks and empty folders", "[spool][copy]") {
  Copy copy;
  copy.from.write("d/run.sh", "#!/bin/sh\n");
  copy.from.make_dir("d/empty");
  REQUIRE(::chmod((copy.from / "d/run.sh").c_str(), 06755) == 0);
  REQUIRE(::symlink("/etc/passwd", (copy.from / "d/link").c_str()) == 0);
  REQUIRE(copy("d"));
  CHECK(copy.to.read("d/run.sh") == "#!/bin/sh\n");
  CHECK(copy.to.has("d/empty"));
  struct stat st{};
  REQUIRE(::stat((copy.to / "d/run.sh").c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0755);
  REQUIRE(::lstat((copy.to / "d/link").c_str(), &st) == 0);
  CHECK(S_ISLNK(st.st_mode));
}

TEST_CASE("holes stay holes", "[spool][copy]") {
  Copy copy;
  copy.from.write("sparse", "begin");
  REQUIRE(::truncate((copy.from / "sparse").c_str(), 1LL << 40) == 0);
  REQUIRE(copy("sparse"));
  struct stat st{};
  REQUIRE(::stat((copy.to / "sparse").c_str(), &st) == 0);
  CHECK(st.st_size == 1LL << 40);
  CHECK(st.st_blocks < 1000);
}

TEST_CASE("hostile outputs are not followed", "[spool][copy]") {
  Copy copy;
  copy.from.write("secret/file", "s");
  REQUIRE(::symlink("secret", (copy.from / "link").c_str()) == 0);
  REQUIRE(::symlink("/", (copy.from / "root").c_str()) == 0);
  REQUIRE(::mkfifo((copy.from / "fifo").c_str(), 0666) == 0);
  SECTION("through a symlink") {
    CHECK(copy("link/file").error().fault == Fault::invalid);
  }
  SECTION("through a symlink to the host's root") {
    CHECK(copy("root/etc/passwd").error().fault == Fault::invalid);
  }
  SECTION("through dots") {
    CHECK_FALSE(copy("../../etc/passwd"));
  }
  SECTION("a fifo") {
    CHECK(copy("fifo").error().text == "fifo: is neither file, folder nor symlink");
  }
  SECTION("what is not there") {
    CHECK(copy("nothing").error().fault == Fault::not_found);
  }
  SECTION("a fifo in a folder is left out and named") {
    copy.from.write("d/x", "x");
    REQUIRE(::mkfifo((copy.from / "d/fifo").c_str(), 0666) == 0);
    REQUIRE(copy("d"));
    CHECK(copy.copier.skipped() == std::vector<std::string>{"d/fifo: special file"});
    CHECK(copy.to.has("d/x"));
    CHECK_FALSE(copy.to.has("d/fifo"));
  }
  SECTION("a symlink planted where the copy goes") {
    copy.from.write("d/x", "x");
    TempDir other;
    REQUIRE(::symlink(other.path().c_str(), (copy.to / "d").c_str()) == 0);
    CHECK_FALSE(copy("d/x"));
    CHECK_FALSE(other.has("x"));
  }
}

TEST_CASE("a copy has limits", "[spool][copy]") {
  TempDir from;
  TempDir to;
  from.write("d/a", "1234567890");
  from.write("d/b", "1234567890");
  SECTION("bytes") {
    TreeCopier copier(to.fd(), {.bytes = 15}, {});
    CHECK(copier.copy(from.fd(), "d", "d").error().fault == Fault::exhausted);
  }
  SECTION("entries") {
    TreeCopier copier(to.fd(), {.entries = 2}, {});
    CHECK(copier.copy(from.fd(), "d", "d").error().fault == Fault::exhausted);
  }
  SECTION("depth") {
    from.write("d/1/2/3/x", "");
    TreeCopier copier(to.fd(), {.depth = 3}, {});
    CHECK(copier.copy(from.fd(), "d", "d").error().fault == Fault::invalid);
  }
  SECTION("a stop") {
    std::stop_source source;
    source.request_stop();
    TreeCopier copier(to.fd(), {}, source.get_token());
    CHECK(copier.copy(from.fd(), "d", "d").error().fault == Fault::transient);
  }
}
