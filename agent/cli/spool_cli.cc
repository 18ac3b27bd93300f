// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/spool_cli.h"

#include <fmt/format.h>

#include "agent/cli/commands.h"
#include "agent/cli/message.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {

void complain(std::string_view command, const Error& error) {
  // A full spool is not the cache's, and a fault of a file's text is the job's.
  if (error.fault == Fault::exhausted)
    return report_line(command, error.text, "spool-full", "make room on the spool's volume");
  const Judgement& judgement = judge(Origin::scheduler, error.fault);
  report_line(command, error.text, judgement.slug, judgement.remedy);
}

int with_spool(std::string_view command, const Options& options, std::size_t words,
               spool::Create create,
               const std::function<Result<int>(const spool::Folder& folder)>& body) {
  if (options.arguments().size() < words)
    return report_usage(command, {Fault::invalid,
                                  fmt::format("too few arguments; see podpilot {} --help", command)});
  const std::string& path = options.arguments()[0];
  const Result<spool::Folder> folder = spool::Folder::open(path, create);
  if (!folder) {
    complain(command, folder.error());
    return kExitFailed;
  }
  if (folder->newer_format())
    fmt::print(stderr, "podpilot {}: {}: a newer podpilot keeps jobs here too, in v{}; left alone\n",
               command, printable(path), *folder->newer_format());
  const Result<int> code = body(*folder);
  if (code) return *code;
  complain(command, code.error());
  return kExitFailed;
}

}  // namespace podpilot::agent
