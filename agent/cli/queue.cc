// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/cli/commands.h"
#include "agent/cli/spool_cli.h"
#include "agent/scheduler/spool/listing.h"
#include "agent/scheduler/spool/submission.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

constexpr const char* kCommand = "queue";

Result<int> clear_away(const spool::Folder& folder, std::chrono::milliseconds age) {
  const spool::Purged purged = TRY(spool::purge(folder, age));
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

int queue_command(const Options& options) {
  const std::vector<std::string>& words = options.arguments();
  return with_spool(
      kCommand, options, 1, spool::Create::no, [&](const spool::Folder& folder) -> Result<int> {
        if (words.size() > 2) return Error{Fault::invalid, "more than one ID"};
        if (options.has("purge")) {
          const std::chrono::milliseconds age = TRY(options.duration("purge"));
          return clear_away(folder, age);
        }
        return show(folder, words.size() > 1 ? words[1] : "", options.has("json"));
      });
}

}  // namespace podpilot::agent
