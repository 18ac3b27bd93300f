// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/spool_command.h"

#include <fmt/format.h>

#include "agent/cli/message.h"

namespace podpilot::agent {

Result<spool::Folder> open_spool(std::string_view command, const Options& options,
                                 std::size_t words, spool::Create create) {
  if (options.arguments().size() < words)
    return Error{
        Fault::invalid,
        fmt::format("needs {}; see podpilot {} --help",
                    words == 1 ? "the folder of a spool" : "a spool and something in it", command)};
  const std::string& path = options.arguments().front();
  spool::Folder folder = TRY(spool::Folder::open(path, create));
  if (folder.newer_format())
    report_usage(command, {Fault::unsupported,
                           fmt::format("{}: a newer podpilot keeps jobs here too, in v{}: they are "
                                       "left alone and not shown",
                                       path, *folder.newer_format())});
  return folder;
}

}  // namespace podpilot::agent
