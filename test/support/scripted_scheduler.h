// SPDX-License-Identifier: Apache-2.0
// A scheduler that a test plays by hand: it writes down what the pilot asks, answers at once, later
// or never as told, and lets the test call the pilot's port as any scheduler may.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/scheduler/scheduler.h"
#include "sandbox/base/poller.h"

namespace podpilot::test {

// What the pilot asks for and a test may hold back.
enum class Ask { describe, bring_inputs, send_outputs, finish };

class ScriptedScheduler final : public agent::Scheduler {
 public:
  explicit ScriptedScheduler(Poller& poller) : poller_(poller) {}

  // --- before ---
  // What describe answers for a claim; without it, an error of Fault::not_found.
  std::map<agent::ClaimId, agent::JobDescription> jobs;
  // Files that bring_inputs writes: name and content.
  std::map<std::string, std::string> inputs;
  // Asks that answer with this error instead.
  std::map<Ask, Error> errors;
  // Asks that wait for answer(); all others are answered on the loop's next turn.
  std::set<Ask> held;
  // Runs inside start(), and then after each line of `calls`, on the loop.
  std::function<void(agent::PilotPort&)> on_start;
  std::function<void(const std::string& call)> on_call;

  // --- during ---
  // As the pilot gave it in start().
  agent::PilotPort& port() { return *port_; }
  // Answers what `ask` of `claim` is held. False: nothing is, or it was abandoned.
  bool answer(agent::ClaimId claim, Ask ask);
  // Runs the loop until `done` or `limit`; false at the limit.
  bool run_until(const std::function<bool()>& done,
                 std::chrono::milliseconds limit = std::chrono::seconds(10));

  // --- after ---
  // "start", "describe 1", "bring_inputs 1", "executing 1", "send_outputs 1 evicted",
  // "finish 1 done", "deactivated 1", "abandon 1", "release 1", "stop"; updates and usage are not
  // in it.
  std::vector<std::string> calls;
  std::map<agent::ClaimId, agent::Outcome> outcomes;
  // What lay in the folder of send_outputs: the files at its top, up to 64 KiB of each.
  std::map<agent::ClaimId, std::map<std::string, std::string>> outputs;
  agent::Offer offer;
  std::map<agent::ClaimId, agent::Usage> last_usage;
  bool called(const std::string& call) const;
  std::size_t count(const std::string& call) const;

  Result<void> start(const agent::Offer& first, agent::PilotPort& port) override;
  void update(const agent::Offer& changed) override { offer = changed; }
  void describe(agent::ClaimId claim,
                std::function<void(Result<agent::JobDescription>)> done) override;
  void bring_inputs(agent::ClaimId claim, BorrowedFd folder, agent::Done done) override;
  void executing(agent::ClaimId claim, const agent::ImageUse& image) override;
  void usage(agent::ClaimId claim, const agent::Usage& used) override { last_usage[claim] = used; }
  void send_outputs(agent::ClaimId claim, BorrowedFd folder, agent::SendOutputs which,
                    agent::Done done) override;
  void finish(agent::ClaimId claim, const agent::Outcome& outcome, agent::Done done) override;
  void deactivated(agent::ClaimId claim) override;
  void abandon(agent::ClaimId claim) override;
  void release(agent::ClaimId claim) override;
  void stop() override;

 private:
  using Key = std::pair<agent::ClaimId, Ask>;
  void note(std::string call);
  void reply(agent::ClaimId claim, Ask ask, std::function<void()> answer);
  void settle(agent::ClaimId claim, Ask ask, const agent::Done& done);
  void forget(agent::ClaimId claim);
  void later(std::function<void()> call);

  Poller& poller_;
  agent::PilotPort* port_ = nullptr;
  std::map<Key, std::function<void()>> waiting_;  // answers not yet given, held or not
  std::deque<std::function<void()>> deferred_;
  Poller::Handle timer_;
};

}  // namespace podpilot::test
