// SPDX-License-Identifier: Apache-2.0
// What the filters cost a call that they always allow: getppid(2), which does nothing else, without
// filters, with the payload's and with all. Medians of batches that take turns, each in a process
// of its own. Prints, asserts nothing.
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "sandbox/base/deadline.h"
#include "sandbox/seccomp/filter.h"

namespace {

using podpilot::sandbox::Filter;

constexpr int kRounds = 31;
constexpr int kCalls = 500'000;

double nanoseconds_a_call() {
  const auto start = podpilot::Clock::now();
  for (int i = 0; i < kCalls; ++i) ::syscall(SYS_getppid);
  const std::chrono::duration<double, std::nano> took = podpilot::Clock::now() - start;
  return took.count() / kCalls;
}

double batch(std::span<const Filter> filters) {
  int ends[2];
  if (::pipe(ends) != 0) std::abort();
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !load_filters(filters)) ::_exit(1);
    const double took = nanoseconds_a_call();
    ::_exit(::write(ends[1], &took, sizeof took) == sizeof took ? 0 : 1);
  }
  ::close(ends[1]);
  double took = 0;
  if (::read(ends[0], &took, sizeof took) != sizeof took) std::abort();
  ::close(ends[0]);
  ::waitpid(pid, nullptr, 0);
  return took;
}

double median(std::vector<double>& values) {
  std::nth_element(values.begin(), values.begin() + kRounds / 2, values.end());
  return values[kRounds / 2];
}

}  // namespace

int main() {
  constexpr std::array kAll = {Filter::payload, Filter::guard, Filter::no_network,
                               Filter::fake_root};
  const std::array<std::span<const Filter>, 3> stacks = {
      {{}, std::span(kAll).first(1), std::span(kAll)}};
  std::array<std::vector<double>, 3> times;
  for (int i = 0; i < kRounds; ++i)
    for (std::size_t s = 0; s < stacks.size(); ++s) times[s].push_back(batch(stacks[s]));
  const double none = median(times[0]);
  const double payload = median(times[1]);
  const double all = median(times[2]);
  std::printf(
      "getppid %.1f ns, payload's filter %.1f ns (%+.0f %%), all filters %.1f ns (%+.0f %%)\n",
      none, payload, 100 * (payload / none - 1), all, 100 * (all / none - 1));
  return 0;
}
