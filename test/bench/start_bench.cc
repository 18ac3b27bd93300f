// SPDX-License-Identifier: Apache-2.0
// What a sandbox costs: clone(2) to the payload's execve beside plain fork and exec, medians of 200
// in the same run. Prints, asserts nothing. Usage: start_bench [FOLDER for the workspaces].
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "sandbox/launcher.h"
#include "test/support/flight.h"

namespace {

using podpilot::sandbox::monotonic_ns;

constexpr int kRounds = 200;

double median_ms(std::vector<std::int64_t> times) {
  std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
  return static_cast<double>(times[kRounds / 2]) / 1e6;
}

std::int64_t plain(const std::string& program) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  const std::int64_t start = monotonic_ns();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execl(program.c_str(), "act", "exit", "0", nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  char byte = 0;
  [[maybe_unused]] const ssize_t n = ::read(ends[0], &byte, 1);  // closed by the execve
  const std::int64_t took = monotonic_ns() - start;
  ::close(ends[0]);
  ::waitpid(pid, nullptr, 0);
  return took;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) ::setenv("TMPDIR", argv[1], 1);
  podpilot::test::Image image;
  std::vector<std::int64_t> sandboxed;
  std::vector<std::int64_t> forked;
  const std::string program = image.dir() / image.layer("bin/act");
  for (int i = 0; i < kRounds; ++i) {
    const auto flight = podpilot::test::fly(image.spec({"act", "exit", "0"}));
    if (!flight.started) {
      std::fprintf(stderr, "start_bench: %s\n", flight.text().c_str());
      return 1;
    }
    sandboxed.push_back(flight.started->executed_ns - flight.started->cloned_ns);
    forked.push_back(plain(program));
  }
  const double a = median_ms(sandboxed);
  const double b = median_ms(forked);
  std::printf("sandbox %.2f ms, fork and exec %.2f ms, difference %.2f ms, ratio %.1f\n", a, b,
              a - b, a / b);
  return 0;
}
