// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/cli/commands.h"
#include "agent/cli/message.h"
#include "agent/cli/spool_command.h"
#include "agent/scheduler/spool/listing.h"
#include "agent/scheduler/spool/submission.h"

namespace podpilot::agent {
namespace {

Result<void> clear_away(const spool::Folder& folder, const Options& options) {
  const std::chrono::milliseconds age = TRY(options.duration("purge"));
  const spool::Purged purged = TRY(spool::purge(folder, age));
  if (options.has("json"))
    fmt::print("{{\"purged\":{},\"leftovers\":{}}}\n", purged.jobs, purged.leftovers);
  else
    fmt::print("{} jobs purged, {} leftovers of crashes removed\n", purged.jobs, purged.leftovers);
  return {};
}

Result<void> show(const spool::Folder& folder, const Options& options) {
  const std::vector<std::string> ids(options.arguments().begin() + 1, options.arguments().end());
  const std::vector<Json> jobs = TRY(spool::list_jobs(folder, ids));
  if (options.has("json")) {
    for (const Json& job : jobs) fmt::print("{}\n", dump_json(job));
    return {};
  }
  fmt::print("{}", ids.size() == 1 ? spool::as_details(jobs.front()) : spool::as_table(jobs));
  return {};
}

}  // namespace

int queue_command(const Options& options) {
  const Result<spool::Folder> folder = open_spool("queue", options, 1, spool::Create::no);
  if (!folder) return report_usage("queue", folder.error());
  const Result<void> done =
      options.has("purge") ? clear_away(*folder, options) : show(*folder, options);
  return done ? 0 : report_usage("queue", done.error());
}

}  // namespace podpilot::agent
