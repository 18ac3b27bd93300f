// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "agent/cli/commands.h"
#include "agent/cli/spool_cli.h"
#include "agent/scheduler/spool/submission.h"

namespace podpilot::agent::cli {
namespace {

constexpr SpoolCommand kCommand = {"cancel", "Take jobs back from a spool, queued or running.",
                                   "SPOOL ID...",
                                   "  podpilot cancel spool 20260721T221530123456Z-9f3ab2c1\n"
                                   "  podpilot cancel spool $(cat ids)\n",
                                   2};

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

int cancel_command(int argc, char** argv) {
  return run_spool_command(
      kCommand, argc, argv, [](cxxopts::Options&) {},
      [](const SpoolArguments& arguments) -> Result<int> {
        const spool::Folder folder =
            TRY(open_spool(kCommand, arguments.words[0], spool::Create::no));
        int code = 0;
        for (std::size_t i = 1; i < arguments.words.size(); ++i) {
          const std::string& id = arguments.words[i];
          const Result<spool::Cancelled> result = spool::cancel(folder, id);
          if (result) {
            fmt::print("{} {}\n", id, to_string(*result));
          } else {
            complain(kCommand, result.error().text);
            code = kExitFault;
          }
        }
        return code;
      });
}

}  // namespace podpilot::agent::cli
