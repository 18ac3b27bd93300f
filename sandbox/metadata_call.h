// SPDX-License-Identifier: Apache-2.0
// Decides: what a system call that changes modes, owners, times or extended attributes means, and
// whether its file is one that the payload may change. Pure.
#pragma once

#include <fcntl.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podpilot::sandbox {

enum class Change : std::uint8_t { mode, owner, times, set_attribute, remove_attribute };

// How two times lie in the caller's memory: struct timespec, struct timeval, struct utimbuf.
enum class TimeFormat : std::uint8_t { nanoseconds, microseconds, seconds };

// Addresses are the caller's; 0 is its null pointer.
struct MetadataCall {
  Change change{};
  int folder = AT_FDCWD;   // where a relative path begins, or the file itself if there is no path
  bool by_path = true;     // false: `folder` is the file
  std::uint64_t path = 0;  // address
  bool follow = true;      // a symlink at the end
  bool may_be_empty = false;  // AT_EMPTY_PATH
  std::uint32_t first = 0;    // mode, or owner
  std::uint32_t second = 0;   // group
  TimeFormat format{};
  std::uint64_t data = 0;   // address of the times (0: now), or of the attribute's name
  std::uint64_t value = 0;  // address of the attribute's
  std::uint64_t size = 0;   // of it
  int flags = 0;            // of setxattr(2)

  bool operator==(const MetadataCall&) const = default;
};

// Nothing for a call that is none of these, or has flags that its kernel does not know.
std::optional<MetadataCall> read_call(const seccomp_data& data);

// Where the caller's path begins for somebody else. "/proc/self/fd/7/x" and "/dev/fd/7/x", with
// which libraries name a descriptor of their own, are "x" below descriptor 7.
struct Start {
  int folder = AT_FDCWD;
  std::string path;  // "": the descriptor itself

  bool operator==(const Start&) const = default;
};
Start start_of(int folder, std::string_view path);

// The two times, of the bytes at `data`; nothing where the kernel would answer EINVAL.
struct Times {
  timespec access{};
  timespec change{};
};
std::optional<Times> read_times(TimeFormat format, std::string_view bytes);
std::size_t size_of_times(TimeFormat format);

// `link` is what /proc/self/fd shows of the opened file. True for what lies in one of the trees and
// for what has no place in any: pipes, sockets, memory files.
bool may_change(std::string_view link, const std::vector<std::string>& trees);

}  // namespace podpilot::sandbox
