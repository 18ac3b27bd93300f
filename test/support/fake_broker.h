// SPDX-License-Identifier: Apache-2.0
// A connection broker on loopback, and a peer that waits behind it for a reversed connection.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/scheduler/htcondor/cedar/stream.h"
#include "agent/scheduler/htcondor/security/literal_ad.h"
#include "test/support/fake_pool.h"

namespace podpilot::test {

// What tests wait for, from several threads.
template <typename Value>
class Inbox {
 public:
  void put(Value value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    arrived_.notify_all();
  }
  std::optional<Value> take(std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, patience, [&] { return !values_.empty(); })) return std::nullopt;
    Value value = std::move(values_.front());
    values_.pop_front();
    return value;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Value> values_;
};

// Registrations and what comes after go into inboxes; a test tells it what to send.
class FakeBroker {
 public:
  Inbox<agent::htcondor::LiteralAd> registered;
  Inbox<agent::htcondor::LiteralAd> heard;  // heartbeats and results

  void send(agent::htcondor::LiteralAd ad);
  void hang_up() { hang_up_ = true; }

 private:
  void serve(agent::htcondor::Stream& stream, agent::htcondor::Command command);
  std::mutex mutex_;
  std::vector<agent::htcondor::LiteralAd> waiting_;
  std::atomic<int> count_ = 0;
  std::atomic<bool> hang_up_ = false;

 public:
  // Last: its threads end before what they use.
  FakePool pool{[this](agent::htcondor::Stream& stream, agent::htcondor::Command command) {
    serve(stream, command);
  }};
};

// Somebody behind whose socket a reversed connection is waited for.
class ReverseWaiter {
 public:
  ReverseWaiter();
  // What a broker sends on.
  agent::htcondor::LiteralAd request(const std::string& id) const;
  agent::htcondor::Stream accept() const;

 private:
  UniqueFd listener_;
};

}  // namespace podpilot::test
