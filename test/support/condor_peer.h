// SPDX-License-Identifier: Apache-2.0
// The other end of a CEDAR stream, as a test writes it down: every step that fails throws.
#pragma once

#include <cstdint>
#include <future>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "agent/scheduler/htcondor/cedar/stream.h"
#include "agent/scheduler/htcondor/classad/ad.h"

namespace podpilot::test {

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class CondorPeer {
 public:
  explicit CondorPeer(agent::htcondor::Stream stream) : stream_(std::move(stream)) {}

  // Each is one message.
  void integer(std::int64_t value);
  void string(std::string_view value);
  void ad(const agent::htcondor::Ad& value);
  // Lines "Name = expression".
  void ad(std::string_view lines);
  void bytes(std::string_view raw);
  // Several values in one message.
  agent::htcondor::MessageWriter writer() const { return stream_.writer(); }
  void send(const agent::htcondor::MessageWriter& message);

  agent::htcondor::MessageReader receive();
  std::int64_t expect_integer();
  std::string expect_string();
  agent::htcondor::Ad expect_ad();
  // One file's content, without mode and name.
  void file(std::string_view content);
  std::string expect_file();

  agent::htcondor::Stream& stream() { return stream_; }

 private:
  agent::htcondor::Stream stream_;
};

struct CondorPair {
  agent::htcondor::Stream ours;
  CondorPeer peer;
};
// Both ends of a socket pair, encrypted with the same key.
CondorPair condor_pair(BorrowedFd stop = {});

// `script` on a thread; get() of the result waits for it and throws what it threw. What it holds,
// a peer for one, is gone (hung up) as soon as it ends.
template <typename F>
auto played(F script) {
  return std::async(std::launch::async, [script = std::move(script)]() mutable {
    F now = std::move(script);
    return now();
  });
}

}  // namespace podpilot::test
