// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "agent/cli/commands.h"
#include "agent/cli/spool_cli.h"
#include "agent/scheduler/spool/submission.h"

namespace podpilot::agent {
namespace {

constexpr const char* kCommand = "cancel";

std::string_view to_string(spool::Cancelled cancelled) {
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
  return with_spool(
      kCommand, options, 2, spool::Create::no, [&](const spool::Folder& folder) -> Result<int> {
        int code = 0;
        for (std::size_t i = 1; i < options.arguments().size(); ++i) {
          const std::string& id = options.arguments()[i];
          const Result<spool::Cancelled> result = spool::cancel(folder, id);
          if (result) {
            fmt::print("{} {}\n", id, to_string(*result));
          } else {
            complain(kCommand, result.error());
            code = kExitFailed;
          }
        }
        return code;
      });
}

}  // namespace podpilot::agent
