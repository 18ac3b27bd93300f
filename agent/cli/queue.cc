// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/cli/commands.h"
#include "agent/cli/spool_cli.h"
#include "agent/scheduler/spool/listing.h"
#include "agent/scheduler/spool/submission.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::cli {
namespace {

constexpr SpoolCommand kCommand = {"queue", "Show the jobs of a spool.", "SPOOL [ID]",
                                   "  podpilot queue /shared/spool\n"
                                   "  podpilot queue --json spool | jq -r .state\n"
                                   "  podpilot queue --purge 7d spool\n",
                                   1};

Result<int> clear_away(const spool::Folder& folder, const std::string& age) {
  const auto limit = parse_duration(age);
  if (!limit) return Error{Fault::invalid, "--purge: must be a time such as 7d or 12h"};
  const spool::Purged purged = TRY(spool::purge(folder, *limit));
  fmt::print("{} jobs purged\n", purged.jobs);
  if (purged.leftovers != 0)
    fmt::print(stderr, "podpilot queue: removed {} leftovers of crashes\n", purged.leftovers);
  return 0;
}

Result<int> show(const spool::Folder& folder, const std::string& id, bool as_json) {
  const std::vector<Json> jobs = TRY(spool::list_jobs(folder, id));
  if (as_json) {
    for (const Json& job : jobs) fmt::print("{}\n", dump_json(job));
    return 0;
  }
  fmt::print("{}", id.empty() ? spool::as_table(jobs) : spool::as_details(jobs.front()));
  return 0;
}

}  // namespace

int queue_command(int argc, char** argv) {
  return run_spool_command(
      kCommand, argc, argv,
      [](cxxopts::Options& options) {
        options.add_options()("json", "One JSON object a job, one job a line")(
            "purge", "Remove jobs that ended longer ago than AGE", cxxopts::value<std::string>(),
            "AGE");
      },
      [](const SpoolArguments& arguments) -> Result<int> {
        const std::vector<std::string>& words = arguments.words;
        if (words.size() > 2) return Error{Fault::invalid, "more than one ID"};
        const spool::Folder folder = TRY(open_spool(kCommand, words[0], spool::Create::no));
        if (arguments.options.count("purge") != 0)
          return clear_away(folder, arguments.options["purge"].as<std::string>());
        return show(folder, words.size() > 1 ? words[1] : "", arguments.options.count("json") != 0);
      });
}

}  // namespace podpilot::agent::cli
