// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/message.h"

#include <fmt/format.h>
#include <unistd.h>

#include "agent/cli/commands.h"
#include "sandbox/base/io.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

std::string failure_line(std::string_view command, std::string_view text, std::string_view slug,
                         std::string_view remedy) {
  return fmt::format("podpilot {}: {} ({}){}{}\n", command, printable(text), slug,
                     remedy.empty() ? "" : ": ", remedy);
}

}  // namespace

Message failure_message(std::string_view command, Origin origin, const Error& error) {
  const Judgement& judgement = judge(origin, error.fault);
  return {.exit_code = judgement.exit_code,
          .line = failure_line(command, error.text, judgement.slug, judgement.remedy)};
}

Message usage_message(std::string_view command, const Error& error) {
  return {.exit_code = kExitFailed,
          .line = fmt::format("podpilot {}: {}\n", command, printable(error.text))};
}

Message pilot_usage_message(const Error& error) {
  Message message = usage_message("pilot", error);
  if (error.fault == Fault::invalid) message.exit_code = kExitMisconfigured;
  return message;
}

int report(const Message& message) {
  // A stderr that is gone is no reason to do anything else.
  [[maybe_unused]] const auto written = write_all(BorrowedFd(STDERR_FILENO), message.line);
  return message.exit_code;
}

void report_line(std::string_view command, std::string_view text, std::string_view slug,
                 std::string_view remedy) {
  report({.exit_code = 0, .line = failure_line(command, text, slug, remedy)});
}

int report_failure(std::string_view command, Origin origin, const Error& error) {
  return report(failure_message(command, origin, error));
}

int report_usage(std::string_view command, const Error& error) {
  return report(usage_message(command, error));
}

}  // namespace podpilot::agent
