// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "agent/scheduler/htcondor/cedar/peer_version.h"
#include "agent/scheduler/htcondor/security/literal_ad.h"
#include "agent/scheduler/htcondor/security/negotiation.h"
#include "oci/registry/credentials.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::size_t kResumeNonce = 33;  // bytes; 44 characters of base64
constexpr std::string_view kUnknownSession = "SID_NOT_FOUND";

std::string nonce() {
  return oci::encode_base64(random_bytes(kResumeNonce));
}

Result<void> answer(Stream& stream, const LiteralAd& ad, Deadline deadline) {
  MessageWriter message = stream.writer();
  put_literal_ad(message, ad);
  return stream.send(message, deadline);
}

}  // namespace

Result<void> resume_session(Stream& stream, const Sinful& peer, Command command,
                            const Session& session, Deadline deadline) {
  LiteralAd ad;
  ad.set("UseSession", "YES").set("Sid", session.id).set("CryptoMethods", "AES");
  ad.set("Command", std::int64_t{static_cast<int>(command)}).set("Nonce", nonce());
  ad.set("ResumeResponse", true).set("RemoteVersion", condor_version());
  ad.set("ConnectSinful", format(peer));
  MessageWriter request = stream.writer();
  request.integer(static_cast<int>(Command::dc_authenticate));
  put_literal_ad(request, ad);
  TRY(stream.send(request, deadline));
  auto message = stream.receive(kMaxSmallMessage, deadline);
  if (!message && message.error().fault == Fault::not_found)
    return Error{Fault::transient, fmt::format("the peer closed the connection instead of "
                                               "resuming a session for command {}",
                                               static_cast<int>(command))};
  if (!message) return std::move(message).error();
  const LiteralAd reply = TRY(get_literal_ad(*message));
  const std::string code = reply.string("ReturnCode");
  if (code == kUnknownSession)
    return Error{Fault::not_found, "the peer does not know session " + printable(session.id)};
  if (code != "AUTHORIZED")
    return Error{Fault::denied,
                 fmt::format("the peer refused command {} in session {} ({})",
                             static_cast<int>(command), printable(session.id), printable(code))};
  stream.encrypt(session.key);
  return {};
}

Result<Resumed> accept_session(
    Stream& stream, const std::function<std::optional<Session>(const std::string& id)>& find,
    Deadline deadline) {
  MessageReader request = TRY(stream.receive(kMaxSmallMessage, deadline));
  const std::int64_t number = TRY(request.integer());
  if (number != static_cast<int>(Command::dc_authenticate))
    return Error{Fault::denied, fmt::format("a peer sent command {} in clear", number)};
  const LiteralAd ad = TRY(get_literal_ad(request));
  const std::int64_t command = ad.integer("Command").value_or(-1);
  if (ad.string("UseSession") != "YES")
    return Error{Fault::denied,
                 fmt::format("a peer without a session of ours asked for command {}", command)};
  const bool wants_answer = ad.boolean("ResumeResponse").value_or(false);
  const std::string id = ad.string("Sid");
  std::optional<Session> session = find(id);
  const std::string methods = ad.string("CryptoMethods");
  const bool other_cipher = !methods.empty() && methods.substr(0, methods.find(',')) != "AES";
  if (!session || other_cipher) {
    if (wants_answer) TRY(answer(stream, LiteralAd().set("ReturnCode", kUnknownSession), deadline));
    return Error{Fault::denied, fmt::format("a peer asked for command {} in session {}, {}",
                                            command, printable(id.substr(0, 200)),
                                            session ? "but not with AES" : "which is not ours")};
  }
  if (command < 0 || command > 1'000'000)
    return Error{Fault::invalid, "a peer resumed a session without a command"};
  LiteralAd reply;
  reply.set("ReturnCode", "AUTHORIZED").set("RemoteVersion", condor_version());
  reply.set("Nonce", nonce());
  if (wants_answer) TRY(answer(stream, reply, deadline));
  stream.encrypt(session->key);
  return Resumed{static_cast<Command>(command), *std::move(session)};
}

}  // namespace podpilot::agent::htcondor
