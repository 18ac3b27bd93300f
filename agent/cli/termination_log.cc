// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/termination_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>

namespace podpilot::agent {
namespace {

constexpr std::size_t kShown = 4096;

}  // namespace

TerminationLog::TerminationLog()
    : file_(::open("/dev/termination-log", O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) {
  struct stat seen{};
  if (file_ && (::fstat(file_.get(), &seen) != 0 || !S_ISREG(seen.st_mode))) file_.reset();
}

void TerminationLog::write(std::string_view text) const {
  if (!file_ || ::ftruncate(file_.get(), 0) != 0) return;
  text = text.substr(0, kShown);
  [[maybe_unused]] const ssize_t n = ::pwrite(file_.get(), text.data(), text.size(), 0);
}

}  // namespace podpilot::agent
