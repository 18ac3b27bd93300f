// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/io.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "test/catch.h"
#include "test/support/scratch_dir.h"

using namespace podpilot;
using podpilot::test::ScratchDir;

TEST_CASE("a file at its limit is read, one byte over is refused and not cut", "[base][io]") {
  const ScratchDir dir;
  dir.write("f", std::string(100'000, 'x'));
  CHECK(read_file_at(dir.fd(), "f", 100'000).value().size() == 100'000);
  const auto over = read_file_at(dir.fd(), "f", 99'999);
  CHECK(over.error().fault == Fault::invalid);
  CHECK(over.error().text == "f: larger than the limit of 99999 bytes");
  CHECK(read_file("/dev/zero", 10).error().fault == Fault::invalid);
}

TEST_CASE("an absent file is not_found by name", "[base][io]") {
  const ScratchDir dir;
  const auto absent = read_file_at(dir.fd(), "no", 10);
  CHECK(absent.error().fault == Fault::not_found);
  CHECK(absent.error().text.starts_with("open no: ENOENT"));
}

TEST_CASE("what is not a regular file is refused and does not hang the reader", "[base][io]") {
  const ScratchDir dir;
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  dir.folder("folder");
  dir.write("file", "secret");
  dir.link("link", "file");
  CHECK(read_file_at(dir.fd(), "fifo", 10).error().text == "fifo: is not a regular file");
  CHECK(read_file_at(dir.fd(), "folder", 10).error().fault == Fault::invalid);
  CHECK(read_file_at(dir.fd(), "link", 10).error().fault == Fault::invalid);
  CHECK(read_file(dir / "folder", 10).error().fault == Fault::invalid);
  CHECK(read_file(dir / "link", 10).value() == "secret");
}

TEST_CASE("replacing a file keeps the folder free of leftovers", "[base][io]") {
  const ScratchDir dir;
  REQUIRE(replace_file_at(dir.fd(), "f", "old", 0600, Durable::no));
  REQUIRE(replace_file_at(dir.fd(), "f", "new", 0640, Durable::yes));
  CHECK(dir.read("f") == "new");
  struct stat st{};
  REQUIRE(::stat((dir / "f").c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0640);
  REQUIRE(::mkdir((dir / "d").c_str(), 0700) == 0);
  CHECK(
      replace_file_at(dir.fd(), "d", "x", 0600, Durable::no).error().text.starts_with("d: rename"));
  CHECK(::rmdir((dir / "d").c_str()) == 0);
  CHECK(::unlink((dir / "f").c_str()) == 0);
  CHECK(::rmdir(dir.path().c_str()) == 0);  // nothing else was in it
  REQUIRE(::mkdir(dir.path().c_str(), 0700) == 0);
}

TEST_CASE("what a killed writer left does not keep its successor from writing", "[base][io]") {
  const ScratchDir dir;
  // Pods number their processes alike: the next pilot has the same pid.
  for (int serial = 0; serial < 50; ++serial)
    dir.write(".f." + std::to_string(::getpid()) + "." + std::to_string(serial) + ".tmp", "");
  CHECK(replace_file_at(dir.fd(), "f", "new", 0600, Durable::no));
}

TEST_CASE("a reader sees the old content or the new, never a part", "[base][io]") {
  const ScratchDir dir;
  const std::string a(200'000, 'a');
  const std::string b(300'000, 'b');
  REQUIRE(replace_file_at(dir.fd(), "f", a, 0600, Durable::no));
  std::atomic<bool> done{false};
  std::jthread writer([&] {
    for (int i = 0; i < 60; ++i)
      if (!replace_file_at(dir.fd(), "f", i % 2 ? a : b, 0600, Durable::no)) break;
    done = true;
  });
  int torn = 0;
  while (!done) {
    const auto seen = read_file_at(dir.fd(), "f", 1 << 20);
    torn += !seen || (*seen != a && *seen != b);
  }
  CHECK(torn == 0);
}

TEST_CASE("a write to a full device is exhausted", "[base][io]") {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  REQUIRE(full);
  CHECK(write_all(full, "x").error().fault == Fault::exhausted);
}

TEST_CASE("an empty non-blocking pipe is transient, its end is zero bytes", "[base][io]") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  char byte = 0;
  CHECK(read_some(out, &byte, 1).error().fault == Fault::transient);
  in.reset();
  CHECK(read_some(out, &byte, 1).value() == 0);
}

TEST_CASE("a file in memory is read from its begin", "[base][io]") {
  const Result<UniqueFd> file = memory_file("test", "content");
  REQUIRE(file);
  const Result<std::string> read = read_all(*file, 100);
  REQUIRE(read);
  CHECK(*read == "content");
}
