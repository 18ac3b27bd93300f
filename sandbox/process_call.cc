// SPDX-License-Identifier: Apache-2.0
#include "sandbox/process_call.h"

#include <sys/syscall.h>

#include <algorithm>
#include <array>

namespace podpilot::sandbox {
namespace {

struct Row {
  long number;
  unsigned target;  // the argument
};

constexpr auto kRows = std::to_array<Row>({
    {SYS_ioprio_set, 1},
    {SYS_prlimit64, 0},
    {SYS_sched_setaffinity, 0},
    {SYS_sched_setattr, 0},
    {SYS_sched_setparam, 0},
    {SYS_sched_setscheduler, 0},
    {SYS_setpriority, 1},
});

}  // namespace

std::optional<ProcessCall> read_process_call(const seccomp_data& data) {
  const auto row = std::ranges::find(kRows, data.nr, &Row::number);
  if (row == kRows.end()) return std::nullopt;
  ProcessCall call{.target = static_cast<pid_t>(data.args[row->target])};
  if (row->number == SYS_sched_setaffinity) {
    call.is_affinity = true;
    call.size = static_cast<std::uint32_t>(data.args[1]);
    call.address = data.args[2];
  }
  return call;
}

}  // namespace podpilot::sandbox
