// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/listing.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "agent/scheduler/spool/attempt.h"
#include "agent/scheduler/spool/result.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::spool {
namespace {

// The keys that come from result.json, in this order; null where there is none.
constexpr std::array kFromResult = {"exit_code", "signal",         "core_dumped",  "slug",
                                    "origin",    "text",           "image_digest", "times",
                                    "usage",     "outputs_skipped"};

// The filesystem's clock; ours where we may not write there.
FileTime clock_of(const Folder& spool) {
  const Result<FileTime> now = spool.now();
  return now ? *now : FileTime(std::chrono::system_clock::now().time_since_epoch());
}

std::string utc(FileTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(static_cast<std::time_t>(seconds.time_since_epoch().count())));
}

std::string pilot_of_lease(const Folder& spool, const Ticket& ticket) {
  const Result<std::string> lease = read_lease(spool, ticket);
  const Result<Json> json = lease ? parse_json(*lease) : lease.error();
  if (!json || !json->is_object()) return {};
  const auto pilot = json->find("pilot");
  return pilot != json->end() && pilot->is_string() ? pilot->get<std::string>() : std::string();
}

void add_files(Json& job, BorrowedFd attempt, const std::string& path) {
  for (const char* name : {kStdout, kStderr, kOutputs})
    if (open_beneath(attempt, name, O_PATH)) job[name] = fmt::format("{}/{}", path, name);
}

// Of the attempt that `ticket` names: the last one, be it over or not.
void add_attempt(Json& job, const Folder& spool, State state, const Ticket& ticket) {
  const Result<DirFd> attempt = spool.attempt(ticket, Create::no);
  const Result<Json> result = attempt ? read_result(*attempt) : attempt.error();
  if (result)
    for (const char* key : kFromResult) job[key] = result->value(key, Json());
  if (state == State::done) {
    const bool ran = result && result->value("verdict", Json()) == Json("done");
    job["state"] = ran ? "done" : "failed";
    if (!result) job["slug"] = "result-missing";
  }
  if (result && state == State::done) job["pilot"] = result->value("pilot", Json());
  if (state == State::running) job["pilot"] = pilot_of_lease(spool, ticket);
  if (result && state != State::queued) add_files(job, *attempt, spool.attempt_path(ticket));
}

Json describe(const Folder& spool, State state, const Ticket& ticket, FileTime now) {
  Json job = {{"id", ticket.job},
              {"state", to_string(state)},
              {"name", Json()},
              {"image", Json()},
              {"priority", ticket.priority},
              {"attempt", ticket.attempt},
              {"retried", ticket.retried},
              {"strikes", ticket.strikes},
              {"submitted", Json()},
              {"age", Json()},
              {"submitter", Json()},
              {"pilot", Json()},
              {kStdout, Json()},
              {kStderr, Json()},
              {kOutputs, Json()}};
  for (const char* key : kFromResult) job[key] = Json();
  const Result<DirFd> folder = spool.job(ticket.job);
  if (const Result<std::string> owner =
          folder ? submitter_of(*folder) : Result<std::string>(folder.error()))
    job["submitter"] = *owner;
  const Result<JobFile> file = folder ? read_job(*folder) : Result<JobFile>(folder.error());
  if (file) {
    job["image"] = file->description.image;
    if (!file->description.name.empty()) job["name"] = file->description.name;
  }
  const Result<FileTime> submitted = spool.submitted(state, ticket);
  if (submitted) {
    job["submitted"] = utc(*submitted);
    const auto age = std::chrono::floor<std::chrono::milliseconds>(now - *submitted).count();
    job["age"] = std::max(0.0, static_cast<double>(age) / 1000);
  }
  add_attempt(job, spool, state, ticket);
  return job;
}

std::string cell(const Json& job, const char* key) {
  const auto found = job.find(key);
  if (found == job.end() || found->is_null()) return "-";
  return printable(found->is_string() ? found->get<std::string>() : dump_json(*found));
}

std::string exit_cell(const Json& job) {
  if (job.at("signal").is_number_integer()) return fmt::format("signal {}", cell(job, "signal"));
  return cell(job, "exit_code");
}

std::string age_cell(const Json& job) {
  const Json& age = job.at("age");
  if (!age.is_number()) return "-";
  const auto seconds = std::chrono::duration<double>(age.get<double>());
  return human_duration(std::chrono::duration_cast<std::chrono::nanoseconds>(seconds));
}

}  // namespace

Result<std::vector<Json>> list_jobs(const Folder& spool, const std::vector<std::string>& ids) {
  const Snapshot snapshot = TRY(spool.look());
  std::set<std::string> wanted(ids.begin(), ids.end());
  std::vector<Json> jobs;
  const FileTime now = clock_of(spool);
  for (const auto& [state, ticket] : snapshot.tickets) {
    if (!ids.empty() && wanted.erase(ticket.job) == 0) continue;
    jobs.push_back(describe(spool, state, ticket, now));
  }
  if (!wanted.empty())
    return Error{Fault::not_found, printable(*wanted.begin()) + ": not in this spool"};
  return jobs;
}

std::string as_table(const std::vector<Json>& jobs) {
  constexpr std::size_t kColumns = 8;
  std::vector<std::array<std::string, kColumns>> rows = {
      {"ID", "STATE", "NAME", "IMAGE", "ATTEMPT", "AGE", "EXIT", "REASON"}};
  for (const Json& job : jobs)
    rows.push_back({cell(job, "id"), cell(job, "state"), cell(job, "name"), cell(job, "image"),
                    cell(job, "attempt"), age_cell(job), exit_cell(job), cell(job, "slug")});
  std::array<std::size_t, kColumns> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < kColumns; ++i)
      line += i + 1 < kColumns ? fmt::format("{:<{}}  ", row[i], widths[i]) : row[i];
    out += line + "\n";
  }
  return out;
}

std::string as_details(const Json& job) {
  std::string out;
  for (const auto& [key, value] : job.items()) {
    if (value.is_null() || (value.is_array() && value.empty())) continue;
    if (value.is_object())
      for (const auto& [inner, member] : value.items())
        out += fmt::format("{:<16} {}\n", fmt::format("{}.{}", key, inner), dump_json(member));
    else
      out += fmt::format("{:<16} {}\n", key, cell(job, key.c_str()));
  }
  return out;
}

}  // namespace podpilot::agent::spool
