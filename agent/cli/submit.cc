// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include "agent/cli/commands.h"
#include "agent/cli/message.h"
#include "agent/cli/spool_command.h"
#include "agent/scheduler/spool/job_file.h"
#include "agent/scheduler/spool/submission.h"
#include "sandbox/base/io.h"

namespace podpilot::agent {
namespace {

std::string folder_of(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  if (file == "-" || slash == std::string::npos) return ".";
  return slash == 0 ? "/" : file.substr(0, slash);
}

Result<std::string> read_job_file(const std::string& file) {
  if (file == "-") return read_all(BorrowedFd(STDIN_FILENO), spool::kMaxJobFile).within("stdin");
  Result<std::string> text = read_file(file, spool::kMaxJobFile);
  if (text) return text;
  return Error{Fault::invalid, std::move(text.error().text)};
}

Result<std::string> submit_one(const spool::Folder& folder, const std::string& file) {
  const std::string text = TRY(read_job_file(file));
  return spool::submit(folder, text, folder_of(file)).within(file == "-" ? "stdin" : file);
}

}  // namespace

int submit_command(const Options& options) {
  const Result<spool::Folder> folder = open_spool("submit", options, 2, spool::Create::yes);
  if (!folder) return report_usage("submit", folder.error());
  int code = 0;
  for (std::size_t i = 1; i < options.arguments().size(); ++i) {
    const Result<std::string> id = submit_one(*folder, options.arguments()[i]);
    if (id)
      fmt::print("{}\n", *id);
    else
      code = report_failure("submit", Origin::scheduler, id.error());
  }
  return code;
}

}  // namespace podpilot::agent
