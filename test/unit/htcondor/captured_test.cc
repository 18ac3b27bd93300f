// SPDX-License-Identifier: Apache-2.0
// What real daemons said, replayed.
#include "test/unit/htcondor/captured.h"

#include <thread>

#include "agent/scheduler/htcondor/security/literal_ad.h"
#include "agent/scheduler/htcondor/security/negotiation.h"
#include "sandbox/base/text.h"
#include "test/catch.h"
#include "test/support/fake_pool.h"

namespace podpilot::agent::htcondor {
namespace {

using test::Captured;
using test::kCaptured;

MessageWriter encode(std::string_view values) {
  MessageWriter out;
  for (const std::string_view line : split(values, '\n')) {
    if (line.empty()) continue;
    if (line.starts_with('\''))
      out.string(line.substr(1, line.size() - 2));
    else
      out.integer(static_cast<std::int64_t>(*parse_number(line)));
  }
  return out;
}

// With encryption on, which the recordings are without.
MessageWriter encode_with_aes(std::string_view values) {
  std::string text(values);
  const std::string other = "CryptoMethods = \"3DES\"";
  if (const std::size_t at = text.find(other); at != std::string::npos)
    text.replace(at, other.size(), "CryptoMethods = \"AES\"");
  return encode(text);
}

bool is_request(const Captured& one) {
  return one.values.starts_with("\n60010\n");
}

TEST_CASE("messages of real daemons are as long as ours and can be read", "[htcondor][security]") {
  for (const Captured& one : kCaptured) {
    CAPTURE(one.release, one.what, one.values);
    const MessageWriter message = encode(one.values);
    CHECK(message.body().size() == one.length);
    MessageReader in(message.body(), Coding::clear);
    if (is_request(one)) CHECK(in.integer() == 60010);
    const auto ad = get_literal_ad(in);
    REQUIRE(ad);
    CHECK(in.left() == 0);
    // Written again it is the same but for the order.
    MessageWriter again;
    if (is_request(one)) again.integer(60010);
    put_literal_ad(again, *ad);
    CHECK(again.body().size() == one.length);
  }
}

TEST_CASE("schedds and negotiators resume a session with us", "[htcondor][security]") {
  int resumed = 0;
  for (const Captured& one : kCaptured) {
    if (!is_request(one) || !one.values.contains("UseSession")) continue;
    CAPTURE(one.release, one.what);
    auto [here, there] = test::stream_pair();
    Stream server(std::move(here), BorrowedFd());
    Stream client(std::move(there), BorrowedFd());
    const Deadline soon = Deadline::after(std::chrono::seconds(10));
    REQUIRE(client.send(encode_with_aes(one.values), soon));
    std::string asked;
    const Key key = session_key("secret");
    const auto accepted = accept_session(
        server,
        [&](const std::string& id) {
          asked = id;
          return std::optional(Session{.id = id, .key = key, .user = "schedd"});
        },
        soon);
    REQUIRE(accepted);
    CHECK(one.values.contains("Sid = \"" + asked + "\""));
    CHECK(one.values.contains("Command = " + std::to_string(static_cast<int>(accepted->command)) +
                              "'"));
    auto reply = client.receive(kMaxSmallMessage, soon);
    REQUIRE(reply);
    const auto ad = get_literal_ad(*reply);
    REQUIRE(ad);
    CHECK(ad->string("ReturnCode") == "AUTHORIZED");
    client.encrypt(key);
    REQUIRE(client.send(client.writer().string("claim"), soon));
    auto payload = server.receive(kMaxSmallMessage, soon);
    REQUIRE(payload);
    CHECK(payload->string() == "claim");
    ++resumed;
  }
  CHECK(resumed >= 4);
}

TEST_CASE("daemons that want a new session, or one that is not ours, get none",
          "[htcondor][security]") {
  for (const Captured& one : kCaptured) {
    if (!is_request(one)) continue;
    CAPTURE(one.release, one.what);
    auto [here, there] = test::stream_pair();
    Stream server(std::move(here), BorrowedFd());
    Stream client(std::move(there), BorrowedFd());
    const Deadline soon = Deadline::after(std::chrono::seconds(10));
    REQUIRE(client.send(encode_with_aes(one.values), soon));
    const auto accepted =
        accept_session(server, [](const std::string&) { return std::optional<Session>(); }, soon);
    REQUIRE_FALSE(accepted);
    CHECK(accepted.error().fault == Fault::denied);
    if (!one.values.contains("UseSession")) continue;
    auto reply = client.receive(kMaxSmallMessage, soon);
    REQUIRE(reply);
    CHECK(get_literal_ad(*reply)->string("ReturnCode") == "SID_NOT_FOUND");
  }
}

}  // namespace
}  // namespace podpilot::agent::htcondor
