// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "agent/cli/commands.h"
#include "agent/cli/message.h"
#include "agent/cli/spool_command.h"
#include "agent/scheduler/spool/submission.h"

namespace podpilot::agent {
namespace {

std::string_view to_text(spool::Cancelled cancelled) {
  switch (cancelled) {
    case spool::Cancelled::ended:
      return "cancelled";
    case spool::Cancelled::asked:
      return "is running; its pilot ends it within seconds";
    case spool::Cancelled::already_done:
      return "has ended already";
  }
  return "";
}

}  // namespace

int cancel_command(const Options& options) {
  const Result<spool::Folder> folder = open_spool("cancel", options, 2, spool::Create::no);
  if (!folder) return report_usage("cancel", folder.error());
  int code = 0;
  for (std::size_t i = 1; i < options.arguments().size(); ++i) {
    const std::string& id = options.arguments()[i];
    const auto result = spool::cancel(*folder, id, options.text("reason"));
    if (result)
      fmt::print("{} {}\n", id, to_text(*result));
    else
      code = report_usage("cancel", result.error());
  }
  return code;
}

}  // namespace podpilot::agent
