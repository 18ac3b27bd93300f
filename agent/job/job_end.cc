// SPDX-License-Identifier: Apache-2.0
// How a job ended, who is told, and what is cleared away.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/job/job_run.h"
#include "agent/job/sandbox_start.h"
#include "sandbox/base/log.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {

void JobRun::judge_end() {
  using sandbox::ReportKind;
  if (last_report_ && last_report_->kind == ReportKind::failed)
    return fail(Origin::site, as_site_error(last_report_->error()));
  if (last_report_ && last_report_->kind == ReportKind::not_executed)
    return fail(Origin::payload, last_report_->error());
  if (last_report_) {
    outcome_.exit = ExitStatus::of_wait_status(last_report_->wait_status);
    outcome_.usage.user = std::chrono::microseconds(last_report_->user_us);
    outcome_.usage.system = std::chrono::microseconds(last_report_->system_us);
    outcome_.usage.max_rss = static_cast<std::uint64_t>(last_report_->max_rss_kib) * 1024;
    outcome_.usage.peak_memory = std::max(outcome_.usage.peak_memory, outcome_.usage.max_rss);
  }
  judge_limits();
  if (state_.cause == StopCause::time_limit)
    return fail(Origin::payload,
                {Fault::transient, fmt::format("ran longer than its time limit of {}",
                                               human_duration(description_.time_limit.value_or(
                                                   std::chrono::milliseconds(0))))});
  if (state_.cause != StopCause::none && state_.cause != StopCause::over_limit)
    return fail(Origin::payload, {Fault::internal, "stopped before it ended by itself"});
  if (!last_report_)
    fail(Origin::site,
         {Fault::transient, "the sandbox was killed from outside, perhaps for want of memory"});
}

bool JobRun::succeeded() const {
  if (!description_.success_exit_code) return true;
  return outcome_.exit && outcome_.exit->signal == 0 &&
         outcome_.exit->code == *description_.success_exit_code;
}

void JobRun::send_outputs() {
  SendOutputs which = SendOutputs::all;
  if (state_.cause == StopCause::asked)
    which = SendOutputs::evicted;
  else if (outcome_.verdict != Verdict::done || !succeeded())
    which = SendOutputs::failed;
  scheduler_.send_outputs(claim_, folder_->files, which,
                          then(Event::outputs_sent, Event::outputs_failed, Origin::scheduler));
}

void JobRun::finish() {
  if (outcome_.slug.empty() && !outcome_.exit)  // it was stopped before there was a payload
    fail(Origin::payload, {Fault::internal, "stopped before it began"});
  scheduler_.finish(claim_, outcome_, [this, alive = alive_](Result<void> finished) {
    if (!*alive) return;
    if (!finished)
      log::error("the result of a job could not be delivered",
                 {{"job", name_}, {"error", finished.error().text}});
    post(Event::finished);
  });
}

void JobRun::clean() {
  image_request_.reset();
  if (image_) site_.images.give_back(*std::exchange(image_, std::nullopt));
  if (!folder_) return post(Event::cleaned);
  const auto discard = [this, alive = alive_] {
    if (!*alive) return;
    site_.scratch.discard(*std::exchange(folder_, std::nullopt), [this, alive] {
      if (*alive) post(Event::cleaned);
    });
  };
  if (site_.roots) return site_.roots->remove(*folder_, discard);
  discard();
}

void JobRun::fail(Origin origin, const Error& error) {
  fail(failure(origin, error));
}

void JobRun::fail(const Outcome& judged) {
  if (!outcome_.slug.empty()) return;  // the first reason counts
  outcome_.verdict = judged.verdict;
  outcome_.slug = judged.slug;
  outcome_.origin = judged.origin;
  outcome_.text = judged.text;
}

}  // namespace podpilot::agent
