// SPDX-License-Identifier: Apache-2.0
#include "test/support/fake_broker.h"

#include <arpa/inet.h>
#include <sys/socket.h>

namespace podpilot::test {

using namespace agent::htcondor;

namespace {

Deadline soon() {
  return Deadline::after(std::chrono::seconds(10));
}

LiteralAd receive_ad(Stream& stream) {
  auto message = stream.receive(kMaxSmallMessage, soon());
  if (!message) return {};
  return get_literal_ad(*message).value_or(LiteralAd());
}

Result<void> send_ad(Stream& stream, const LiteralAd& ad) {
  MessageWriter message = stream.writer();
  put_literal_ad(message, ad);
  return stream.send(message, soon());
}

}  // namespace

void FakeBroker::send(LiteralAd ad) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(ad));
}

void FakeBroker::serve(Stream& stream, Command command) {
  if (command != Command::ccb_register) return;
  const LiteralAd ad = receive_ad(stream);
  const bool known = ad.string("ClaimId") == "cookie" && ad.string("CCBID") == "broker:1#1";
  LiteralAd answer;
  answer.set("Command", std::int64_t{67}).set("ClaimId", "cookie");
  answer.set("CCBID", known || ++count_ == 1 ? "broker:1#1" : "broker:1#2");
  hang_up_ = false;
  if (!send_ad(stream, answer)) return;
  registered.put(ad);
  while (!hang_up_) {
    const auto some = stream.wait(Deadline::after(std::chrono::milliseconds(10)));
    if (!some) return;
    if (*some) {
      const LiteralAd message = receive_ad(stream);
      if (!message.has("Command") && !message.has("Result")) return;  // closed
      heard.put(message);
      if (message.integer("Command") == 441 && !send_ad(stream, message)) return;
    }
    const std::lock_guard lock(mutex_);
    for (const LiteralAd& one : std::exchange(waiting_, {}))
      if (!send_ad(stream, one)) return;
  }
}

ReverseWaiter::ReverseWaiter() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  ::listen(listener_.get(), 16);
}

LiteralAd ReverseWaiter::request(const std::string& id) const {
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  LiteralAd ad;
  ad.set("Command", std::int64_t{68}).set("ClaimId", "connect" + id).set("RequestID", id);
  ad.set("Name", "test")
      .set("MyAddress", "<127.0.0.1:" + std::to_string(ntohs(bound.sin_port)) + ">");
  return ad;
}

Stream ReverseWaiter::accept() const {
  return Stream(UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)), BorrowedFd());
}

}  // namespace podpilot::test
