// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include "agent/cli/commands.h"
#include "agent/cli/spool_cli.h"
#include "agent/scheduler/spool/job_file.h"
#include "agent/scheduler/spool/submission.h"
#include "sandbox/base/io.h"

namespace podpilot::agent::cli {
namespace {

constexpr SpoolCommand kCommand = {
    "submit", "Put jobs into a spool; prints one id a line.", "SPOOL JOB.json|- ...",
    "  podpilot submit /shared/spool job.json\n"
    "  echo '{\"image\": \"alpine:3.20\", \"command\": [\"date\"]}' | podpilot submit spool -\n",
    2};

std::string folder_of(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  if (slash == std::string::npos) return ".";
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
  const bool standard_input = file == "-";
  return spool::submit(folder, text, standard_input ? "." : folder_of(file))
      .within(standard_input ? "stdin" : file);
}

std::string_view slug_of(Fault fault) {
  switch (fault) {
    case Fault::invalid:
      return "job-invalid";
    case Fault::not_found:
      return "input-not-found";
    case Fault::exhausted:
      return "spool-full";
    default:
      return "scheduler-unavailable";
  }
}

}  // namespace

int submit_command(int argc, char** argv) {
  return run_spool_command(
      kCommand, argc, argv, [](cxxopts::Options&) {},
      [](const SpoolArguments& arguments) -> Result<int> {
        const spool::Folder folder =
            TRY(open_spool(kCommand, arguments.words[0], spool::Create::yes));
        int code = 0;
        for (std::size_t i = 1; i < arguments.words.size(); ++i) {
          const Result<std::string> id = submit_one(folder, arguments.words[i]);
          if (id) {
            fmt::print("{}\n", *id);
          } else {
            complain(kCommand, id.error().text, slug_of(id.error().fault));
            code = kExitFault;
          }
        }
        return code;
      });
}

}  // namespace podpilot::agent::cli
