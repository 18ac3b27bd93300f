// SPDX-License-Identifier: Apache-2.0
#include "test/support/scripted_scheduler.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "sandbox/base/io.h"

namespace podpilot::test {

using namespace agent;

namespace {

constexpr std::size_t kMaxKept = 64 * 1024;

const char* to_text(SendOutputs which) {
  switch (which) {
    case SendOutputs::all:
      return "all";
    case SendOutputs::evicted:
      return "evicted";
    case SendOutputs::failed:
      return "failed";
  }
  return "";
}

std::map<std::string, std::string> read_files(BorrowedFd folder) {
  std::map<std::string, std::string> files;
  UniqueFd fd(::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd.get()), ::closedir);
  if (!dir) return files;
  fd.release();
  while (const dirent* entry = ::readdir(dir.get()))
    if (const auto text = read_file_at(folder, entry->d_name, kMaxKept))
      files[entry->d_name] = *text;
  return files;
}

}  // namespace

bool ScriptedScheduler::called(const std::string& call) const {
  return count(call) != 0;
}

std::size_t ScriptedScheduler::count(const std::string& call) const {
  return static_cast<std::size_t>(std::count(calls.begin(), calls.end(), call));
}

bool ScriptedScheduler::run_until(const std::function<bool()>& done,
                                  std::chrono::milliseconds limit) {
  const Deadline end = Deadline::after(limit);
  while (!done()) {
    if (end.passed() || !poller_.turn(end)) return false;
  }
  return true;
}

void ScriptedScheduler::later(std::function<void()> call) {
  deferred_.push_back(std::move(call));
  timer_ = poller_.after(Clock::duration::zero(), [this] {
    const std::deque<std::function<void()>> due = std::exchange(deferred_, {});
    for (const auto& next : due) next();
  });
}

void ScriptedScheduler::note(std::string call) {
  calls.push_back(call);
  if (on_call) later([this, call = std::move(call)] { on_call(call); });
}

void ScriptedScheduler::reply(ClaimId claim, Ask ask, std::function<void()> answer_with) {
  waiting_[{claim, ask}] = std::move(answer_with);
  if (!held.contains(ask)) later([this, claim, ask] { answer(claim, ask); });
}

bool ScriptedScheduler::answer(ClaimId claim, Ask ask) {
  const auto found = waiting_.find({claim, ask});
  if (found == waiting_.end()) return false;
  const std::function<void()> give = std::move(found->second);
  waiting_.erase(found);
  give();
  return true;
}

void ScriptedScheduler::settle(ClaimId claim, Ask ask, const Done& done) {
  reply(claim, ask, [this, ask, done] {
    const auto error = errors.find(ask);
    done(error == errors.end() ? Result<void>() : error->second);
  });
}

void ScriptedScheduler::forget(ClaimId claim) {
  std::erase_if(waiting_, [claim](const auto& entry) { return entry.first.first == claim; });
}

Result<void> ScriptedScheduler::start(const Offer& first, PilotPort& port) {
  port_ = &port;
  offer = first;
  note("start");
  if (on_start) later([this] { on_start(*port_); });
  return {};
}

void ScriptedScheduler::describe(ClaimId claim, std::function<void(Result<JobDescription>)> done) {
  note(fmt::format("describe {}", claim));
  reply(claim, Ask::describe, [this, claim, done = std::move(done)] {
    if (const auto error = errors.find(Ask::describe); error != errors.end())
      return done(error->second);
    const auto job = jobs.find(claim);
    if (job == jobs.end()) return done(Error{Fault::not_found, "no such job in the script"});
    done(job->second);
  });
}

void ScriptedScheduler::bring_inputs(ClaimId claim, BorrowedFd folder, Done done) {
  note(fmt::format("bring_inputs {}", claim));
  for (const auto& [name, content] : inputs)
    if (const auto put = replace_file_at(folder, name, content, 0644, Durable::no); !put)
      errors.try_emplace(Ask::bring_inputs, put.error());
  settle(claim, Ask::bring_inputs, done);
}

void ScriptedScheduler::executing(ClaimId claim, const ImageUse&) {
  note(fmt::format("executing {}", claim));
}

void ScriptedScheduler::send_outputs(ClaimId claim, BorrowedFd folder, SendOutputs which,
                                     Done done) {
  note(fmt::format("send_outputs {} {}", claim, to_text(which)));
  outputs[claim] = read_files(folder);
  settle(claim, Ask::send_outputs, done);
}

void ScriptedScheduler::finish(ClaimId claim, const Outcome& outcome, Done done) {
  note(fmt::format("finish {} {}", claim, to_string(outcome.verdict)));
  outcomes[claim] = outcome;
  settle(claim, Ask::finish, done);
}

void ScriptedScheduler::deactivated(ClaimId claim) {
  note(fmt::format("deactivated {}", claim));
}

void ScriptedScheduler::abandon(ClaimId claim) {
  note(fmt::format("abandon {}", claim));
  forget(claim);
}

void ScriptedScheduler::release(ClaimId claim) {
  note(fmt::format("release {}", claim));
  forget(claim);
}

void ScriptedScheduler::stop() {
  note("stop");
}

}  // namespace podpilot::test
