// SPDX-License-Identifier: Apache-2.0
#include "test/support/condor_peer.h"

#include <sys/socket.h>

#include "agent/scheduler/htcondor/classad/text.h"
#include "agent/scheduler/htcondor/classad/wire.h"

namespace podpilot::test {

using namespace agent::htcondor;

namespace {

constexpr std::size_t kChunk = 256 * 1024;
constexpr std::int64_t kEmptyFile = 666;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

}  // namespace

void CondorPeer::send(const MessageWriter& message) {
  must(stream_.send(message, soon()));
}

void CondorPeer::integer(std::int64_t value) {
  MessageWriter message = writer();
  message.integer(value);
  send(message);
}

void CondorPeer::string(std::string_view value) {
  MessageWriter message = writer();
  message.string(value);
  send(message);
}

void CondorPeer::ad(const Ad& value) {
  MessageWriter message = writer();
  put_ad(message, value);
  send(message);
}

void CondorPeer::ad(std::string_view lines) {
  ad(must(parse_ad(lines)));
}

void CondorPeer::bytes(std::string_view raw) {
  MessageWriter message = writer();
  message.bytes(raw);
  send(message);
}

MessageReader CondorPeer::receive() {
  return must(stream_.receive(kMaxAdMessage, soon()));
}

std::int64_t CondorPeer::expect_integer() {
  return must(receive().integer());
}

std::string CondorPeer::expect_string() {
  return must(receive().string());
}

Ad CondorPeer::expect_ad() {
  MessageReader message = receive();
  return must(get_ad(message));
}

void CondorPeer::file(std::string_view content) {
  MessageWriter head = writer();
  head.integer(static_cast<std::int64_t>(content.size())).integer(kChunk);
  send(head);
  if (content.empty()) integer(kEmptyFile);
  for (; !content.empty(); content.remove_prefix(std::min(kChunk, content.size())))
    bytes(content.substr(0, kChunk));
}

std::string CondorPeer::expect_file() {
  MessageReader head = receive();
  const auto size = static_cast<std::size_t>(must(head.integer()));
  std::string content;
  if (size == 0 && expect_integer() != kEmptyFile)
    throw std::runtime_error("no mark of an empty file");
  while (content.size() < size) {
    MessageReader chunk = receive();
    content += must(chunk.bytes(chunk.left()));
  }
  return content;
}

CondorPair condor_pair(BorrowedFd stop) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::runtime_error("socketpair");
  Stream ours(UniqueFd{ends[0]}, stop);
  Stream theirs(UniqueFd{ends[1]}, {});
  const Key key = session_key("of a test");
  ours.encrypt(key);
  theirs.encrypt(key);
  return {std::move(ours), CondorPeer(std::move(theirs))};
}

}  // namespace podpilot::test
