// SPDX-License-Identifier: Apache-2.0
#include "sandbox/idmap.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/text.h"

namespace podpilot::sandbox {
namespace {

// Above systemd's and adduser's ranges, below 65534 and what a pod of 64 k ids has.
constexpr std::uint32_t kFirst = 20'000;
constexpr std::uint32_t kLast = 59'999;

Result<void> write_proc(const char* path, const std::string& line) {
  const UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  if (!fd) return sys_error(fmt::format("open {}", path));
  return write_all(fd, line).within(path);  // the kernel takes a map in one write only
}

}  // namespace

Result<void> map_single_id(const Identity& inner, uid_t outer_uid, gid_t outer_gid) {
  TRY(write_proc("/proc/self/uid_map", fmt::format("{} {} 1\n", inner.uid, outer_uid)));
  TRY(write_proc("/proc/self/setgroups", "deny"));
  return write_proc("/proc/self/gid_map", fmt::format("{} {} 1\n", inner.gid, outer_gid));
}

Result<std::uint32_t> job_id(std::uint64_t n) {
  constexpr std::size_t kMaxMap = 64 << 10;
  const std::string map = TRY(read_file("/proc/self/uid_map", kMaxMap));
  for (const std::string_view line : split(map, '\n')) {
    std::vector<std::uint64_t> numbers;  // inside, outside, count (user_namespaces(7))
    for (const std::string_view field : split(line, ' '))
      if (const auto number = parse_number(field)) numbers.push_back(*number);
    if (numbers.size() == 3 && numbers[0] <= kFirst && numbers[0] + numbers[2] > kLast)
      return kFirst + static_cast<std::uint32_t>(n % (kLast - kFirst + 1));
  }
  return Error{Fault::unsupported, "no ids between 20000 and 59999 are mapped in this pod"};
}

bool is_job_id(std::uint32_t id) {
  return id >= kFirst && id <= kLast;
}

}  // namespace podpilot::sandbox
