// SPDX-License-Identifier: Apache-2.0
#include "sandbox/metadata_call.h"

#include <sys/syscall.h>

#include <cstring>

#include "test/catch.h"

using namespace podpilot::sandbox;

namespace {

constexpr std::uint64_t kHigh = 0xdead'0000'0000'0000;
constexpr std::uint64_t kCwd = static_cast<std::uint32_t>(AT_FDCWD);

seccomp_data data_of(long number, std::vector<std::uint64_t> arguments) {
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  std::ranges::copy(arguments, data.args);
  return data;
}

template <typename... Words>
std::string bytes_of(Words... words) {
  std::string out;
  for (const std::int64_t word : {static_cast<std::int64_t>(words)...})
    out.append(reinterpret_cast<const char*>(&word), sizeof word);
  return out;
}

}  // namespace

TEST_CASE("what a call changes, and how it names the file", "[sandbox][metadata]") {
  struct Row {
    long number;
    std::vector<std::uint64_t> arguments;
    MetadataCall call;
  };
  const std::vector<Row> rows = {
      {SYS_fchmod,
       {7, 0644},
       {.change = Change::mode, .folder = 7, .by_path = false, .first = 0644}},
      {SYS_fchmodat,
       {7 | kHigh, 0x1000, 0644 | kHigh, 0x100},
       {.change = Change::mode, .folder = 7, .path = 0x1000, .first = 0644}},
      {SYS_fchownat,
       {kCwd, 0x1000, 1, 2, AT_SYMLINK_NOFOLLOW},
       {.change = Change::owner, .path = 0x1000, .follow = false, .first = 1, .second = 2}},
      {SYS_fchownat,
       {5, 0x1000, 0xffffffff, 2, AT_EMPTY_PATH},
       {.change = Change::owner,
        .folder = 5,
        .path = 0x1000,
        .may_be_empty = true,
        .first = 0xffffffff,
        .second = 2}},
      {SYS_utimensat,
       {kCwd, 0x1000, 0x2000, 0},
       {.change = Change::times, .path = 0x1000, .data = 0x2000}},
      {SYS_utimensat,
       {5, 0, 0x2000, 0},
       {.change = Change::times, .folder = 5, .by_path = false, .data = 0x2000}},
      {SYS_lsetxattr,
       {0x1000, 0x2000, 0x3000, 5, 1},
       {.change = Change::set_attribute,
        .path = 0x1000,
        .follow = false,
        .data = 0x2000,
        .value = 0x3000,
        .size = 5,
        .flags = 1}},
      {SYS_fremovexattr,
       {3, 0x2000},
       {.change = Change::remove_attribute, .folder = 3, .by_path = false, .data = 0x2000}},
#ifdef SYS_chmod
      {SYS_chmod, {0x1000, 01777}, {.change = Change::mode, .path = 0x1000, .first = 01777}},
      {SYS_lchown,
       {0x1000, 1, 2},
       {.change = Change::owner, .path = 0x1000, .follow = false, .first = 1, .second = 2}},
      {SYS_utime,
       {0x1000, 0},
       {.change = Change::times, .path = 0x1000, .format = TimeFormat::seconds}},
      {SYS_futimesat,
       {4, 0, 0x2000},
       {.change = Change::times,
        .folder = 4,
        .by_path = false,
        .format = TimeFormat::microseconds,
        .data = 0x2000}},
#endif
  };
  for (const Row& row : rows) {
    CAPTURE(row.number);
    CHECK(read_call(data_of(row.number, row.arguments)) == row.call);
  }
  CHECK_FALSE(read_call(data_of(SYS_openat, {})));
  CHECK_FALSE(read_call(data_of(SYS_fchownat, {kCwd, 0x1000, 1, 2, 0x8000})));
  CHECK_FALSE(read_call(data_of(SYS_utimensat, {kCwd, 0x1000, 0, 0x1})));
}

TEST_CASE("a path by a descriptor of the caller's own begins there", "[sandbox][metadata]") {
  struct Row {
    const char* path;
    Start start;
  };
  for (const Row& row :
       {Row{"x", {9, "x"}}, Row{"/x", {9, "/x"}}, Row{"", {9, ""}}, Row{"/proc/self/fd/7", {7, ""}},
        Row{"/proc/self/fd/7/", {7, "."}}, Row{"/proc/self/fd/7//a/b", {7, "a/b"}},
        Row{"/dev/fd/0", {0, ""}}, Row{"/proc/thread-self/fd/12/../x", {12, "../x"}},
        Row{"/proc/self/fd/", {9, "/proc/self/fd/"}},
        Row{"/proc/self/fd/x", {9, "/proc/self/fd/x"}},
        Row{"/proc/self/fd/-1", {9, "/proc/self/fd/-1"}},
        Row{"/proc/self/fd/4294967295", {9, "/proc/self/fd/4294967295"}},
        Row{"/proc/self/fdinfo/7", {9, "/proc/self/fdinfo/7"}}}) {
    CAPTURE(row.path);
    CHECK(start_of(9, row.path) == row.start);
  }
}

TEST_CASE("times in the three forms of the kernel", "[sandbox][metadata]") {
  const auto seconds = read_times(TimeFormat::seconds, bytes_of(5, 6));
  REQUIRE(seconds);
  CHECK(seconds->access.tv_sec == 5);
  CHECK(seconds->change.tv_sec == 6);
  CHECK(seconds->change.tv_nsec == 0);
  const auto micro = read_times(TimeFormat::microseconds, bytes_of(5, 999'999, 6, 7));
  REQUIRE(micro);
  CHECK(micro->access.tv_nsec == 999'999'000);
  CHECK(micro->change.tv_nsec == 7000);
  CHECK_FALSE(read_times(TimeFormat::microseconds, bytes_of(5, 1'000'000, 6, 7)));
  CHECK_FALSE(read_times(TimeFormat::microseconds, bytes_of(5, 0, 6, -1)));
  const auto nano = read_times(TimeFormat::nanoseconds, bytes_of(5, 1, 6, 2));
  REQUIRE(nano);
  CHECK(nano->change.tv_nsec == 2);
  CHECK_FALSE(read_times(TimeFormat::nanoseconds, bytes_of(5, 1)));
}

TEST_CASE("what lies in a tree of the job may be changed, and nothing beside it",
          "[sandbox][metadata]") {
  const std::vector<std::string> trees = {"/tmp", "/pod/job/root/etc"};
  for (const char* link :
       {"/tmp", "/tmp/x", "/tmp/x (deleted)", "/pod/job/root/etc/a/b", "pipe:[123]", "socket:[5]",
        "anon_inode:[eventfd]", "/memfd:x (deleted)"}) {
    CAPTURE(link);
    CHECK(may_change(link, trees));
  }
  for (const char* link : {"", "/", "/tmpx", "/pod/job/root", "/pod/job/root/usr/bin/sh",
                           "/pod/job/root/etcetera", "(unreachable)/tmp/x", "/pod/cache"}) {
    CAPTURE(link);
    CHECK_FALSE(may_change(link, trees));
  }
  CHECK_FALSE(may_change("/tmp", {}));
}
