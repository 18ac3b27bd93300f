// SPDX-License-Identifier: Apache-2.0
// The server's side of HTCondor's DC_AUTHENTICATE on loopback: enough of a collector to make and
// resume sessions by token. What comes after is a test's own.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/scheduler/htcondor/cedar/commands.h"
#include "agent/scheduler/htcondor/cedar/stream.h"
#include "agent/scheduler/htcondor/security/token.h"

namespace podpilot::test {

// A token that FakePool::Policy knows by default, with `payload`'s members over its own.
std::string fake_token(const std::string& payload = "{}", const std::string& secret = "s3cret");

class FakePool {
 public:
  struct Policy {
    std::string trust_domain = "pool";
    std::string issuer_keys = "POOL";
    std::string secret = "s3cret";  // of the tokens that are ours
    std::string return_code = "AUTHORIZED";
    std::string session_duration = "86400";
    std::string commands = "0,13,67";
    bool refuse_tokens = false;  // as a real one does with an expired one
    bool encrypt = true;
  };
  // Called on the connection's own thread, the stream encrypted.
  using Handler = std::function<void(agent::htcondor::Stream&, agent::htcondor::Command)>;

  explicit FakePool(Handler handler);
  ~FakePool();

  agent::htcondor::Sinful address() const;
  BorrowedFd stop() const { return stop_; }
  void set(Policy policy);
  void forget_sessions();
  // "new pilot@pool 0", "resumed 0", "unknown session": what clients asked for, in order. Waits a
  // while for so many: a client may know before its server is done.
  std::vector<std::string> events(std::size_t expected) const;

 private:
  void serve(UniqueFd connection);
  Result<void> converse(agent::htcondor::Stream& stream);
  Result<void> resume(agent::htcondor::Stream& stream, const std::string& id, int command);
  Result<void> make(agent::htcondor::Stream& stream, const std::string& peer_point, int command);
  void note(const std::string& event);

  Handler handler_;
  UniqueFd listener_;
  UniqueFd stop_;
  mutable std::mutex mutex_;
  mutable std::condition_variable noted_;
  Policy policy_;
  std::map<std::string, agent::htcondor::Key> sessions_;
  std::vector<std::string> events_;
  int made_ = 0;
  std::vector<std::jthread> connections_;
  std::jthread acceptor_;  // last: it ends first
};

// Connected to each other.
std::pair<UniqueFd, UniqueFd> stream_pair();

}  // namespace podpilot::test
