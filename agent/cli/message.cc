// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/message.h"

#include <fmt/format.h>
#include <unistd.h>

#include "agent/cli/commands.h"
#include "sandbox/base/io.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

void say(const std::string& line) {
  // A stderr that is gone is no reason to do anything else.
  [[maybe_unused]] const auto written = write_all(BorrowedFd(STDERR_FILENO), line);
}

}  // namespace

void report_line(std::string_view command, std::string_view text, std::string_view slug,
                 std::string_view remedy) {
  say(fmt::format("podpilot {}: {} ({}){}{}\n", command, printable(text), slug,
                  remedy.empty() ? "" : ": ", remedy));
}

int report_failure(std::string_view command, Origin origin, const Error& error) {
  const Judgement& judgement = judge(origin, error.fault);
  report_line(command, error.text, judgement.slug, judgement.remedy);
  return judgement.exit_code;
}

int report_usage(std::string_view command, const Error& error) {
  say(fmt::format("podpilot {}: {}\n", command, printable(error.text)));
  return kExitFailed;
}

}  // namespace podpilot::agent
