// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/result.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sandbox/base/io.h"

namespace podpilot::agent::spool {
namespace {

template <typename Rep, typename Period>
double seconds(std::chrono::duration<Rep, Period> duration) {
  return std::chrono::duration<double>(duration).count();
}

Json text_or_null(std::string_view text) {
  return text.empty() ? Json() : Json(text);
}

}  // namespace

std::string to_json(const AttemptResult& result) {
  const Outcome& outcome = result.outcome;
  const bool exited = outcome.exit && outcome.exit->signal == 0;
  const bool killed = outcome.exit && outcome.exit->signal != 0;
  Json json = Json::object();
  json["verdict"] = to_string(outcome.verdict);
  json["exit_code"] = exited ? Json(outcome.exit->code) : Json();
  json["signal"] = killed ? Json(outcome.exit->signal) : Json();
  json["core_dumped"] = killed && outcome.exit->core_dumped;
  json["slug"] = text_or_null(outcome.slug);
  json["origin"] = outcome.origin ? Json(to_string(*outcome.origin)) : Json();
  json["text"] = text_or_null(outcome.text);
  json["pilot"] = text_or_null(result.pilot);
  json["image_digest"] = text_or_null(outcome.image_digest);
  json["times"] = {{"wait", seconds(result.wait)},
                   {"pull", seconds(outcome.times.pull)},
                   {"start", seconds(outcome.times.start)},
                   {"run", seconds(outcome.times.run)}};
  json["usage"] = {{"user", seconds(outcome.usage.user)},
                   {"system", seconds(outcome.usage.system)},
                   {"max_rss", outcome.usage.max_rss},
                   {"peak_memory", outcome.usage.peak_memory},
                   {"disk", outcome.usage.disk}};
  json["outputs_skipped"] = result.skipped;
  return dump_json(json, 2) + "\n";
}

Result<Json> read_result(BorrowedFd attempt) {
  const std::string text = TRY(read_file_at(attempt, kResultFile, kMaxResultFile));
  Json json = TRY(parse_json(text).within(kResultFile));
  if (!json.is_object()) return Error{Fault::corrupt, "result.json: must be an object"};
  return json;
}

Outcome cancelled() {
  Outcome outcome;
  outcome.verdict = Verdict::failed;
  outcome.slug = kCancelledSlug;
  outcome.origin = Origin::scheduler;
  outcome.text = "taken back with 'podpilot cancel'";
  return outcome;
}

Outcome pilots_lost(unsigned strikes) {
  Outcome outcome;
  outcome.verdict = Verdict::failed;
  outcome.slug = "pilot-lost";
  outcome.origin = Origin::pilot;
  outcome.text = fmt::format(
      "gave up after {} attempts went wrong; in the last one the pilot vanished", strikes);
  return outcome;
}

}  // namespace podpilot::agent::spool
