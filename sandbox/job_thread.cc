// SPDX-License-Identifier: Apache-2.0
#include "sandbox/job_thread.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/proc_stat.h"
#include "sandbox/base/text.h"

namespace podpilot::sandbox {
namespace {

constexpr std::size_t kMaxStat = 4096;
constexpr unsigned kParent = 4;

std::optional<pid_t> parent_in(const Result<std::string>& stat) {
  const auto parent = stat ? stat_field(*stat, kParent) : std::nullopt;
  return parent ? std::optional(static_cast<pid_t>(*parent)) : std::nullopt;
}

std::optional<pid_t> parent_of(pid_t process) {
  return parent_in(read_file(fmt::format("/proc/{}/stat", process), kMaxStat));
}

// Whether it is this process or descends from it.
bool is_ours(std::optional<pid_t> process) {
  constexpr int kGenerations = 1000;  // more is a payload's way to keep this process busy
  for (int i = 0; process && *process > 0 && i < kGenerations; ++i) {
    if (*process == ::getpid()) return true;
    process = parent_of(*process);
  }
  return false;
}

std::vector<pid_t> numbers_in(const std::string& folder) {
  std::vector<pid_t> numbers;
  const Result<DirFd> fd = open_dir(folder);
  if (!fd) return numbers;
  const Result<std::vector<std::string>> names = list_names(*fd);
  if (!names) return numbers;
  for (const std::string& name : *names)
    if (const auto number = parse_number(name)) numbers.push_back(static_cast<pid_t>(*number));
  return numbers;
}

// 0: this thread. Empty where it cannot be told.
std::string affinity_of(pid_t thread) {
  std::array<char, kMaxCpuMask> mask{};
  const long n = ::syscall(SYS_sched_getaffinity, thread, mask.size(), mask.data());
  return n > 0 ? std::string(mask.data(), static_cast<std::size_t>(n)) : "";
}

bool set(pid_t thread, std::string_view mask) {
  return ::syscall(SYS_sched_setaffinity, thread, mask.size(), mask.data()) == 0;
}

// Until a look at all of them finds nothing to change: a new one has what its parent had.
void give_back_to_others() {
  constexpr int kRounds = 100;
  const std::string usual = affinity_of(0);
  bool changed = true;
  for (int round = 0; changed && round < kRounds; ++round) {
    changed = false;
    for (const pid_t process : numbers_in("/proc")) {
      if (is_ours(process)) continue;
      for (const pid_t thread : numbers_in(fmt::format("/proc/{}/task", process)))
        if (affinity_of(thread) != usual && set(thread, usual)) changed = true;
    }
  }
}

}  // namespace

int JobThread::find(pid_t number, JobThread& out) {
  if (number <= 0) return EPERM;
  out.number_ = number;
  out.folder_.reset(
      ::open(fmt::format("/proc/{}", number).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!out.folder_) return ESRCH;
  const std::optional<pid_t> parent = parent_in(read_file_at(out.folder_, "stat", kMaxStat));
  if (!parent) return ESRCH;
  return is_ours(parent) ? 0 : EPERM;
}

// A number is free for others once its thread has left /proc.
bool JobThread::is_there() const {
  return read_file_at(folder_, "stat", kMaxStat).has_value();
}

int JobThread::set_affinity(std::string_view mask) const {
  if (!set(number_, mask)) return errno;
  if (is_there()) return 0;
  give_back_to_others();
  return ESRCH;
}

}  // namespace podpilot::sandbox
