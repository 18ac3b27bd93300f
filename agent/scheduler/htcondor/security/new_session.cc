// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "agent/scheduler/htcondor/cedar/peer_version.h"
#include "agent/scheduler/htcondor/security/akep2.h"
#include "agent/scheduler/htcondor/security/literal_ad.h"
#include "agent/scheduler/htcondor/security/negotiation.h"
#include "oci/registry/credentials.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::int64_t kMethodToken = 2048;  // CAUTH_TOKEN, condor_includes/condor_auth.h
// Clocks of pools and pods may differ by as much.
constexpr std::int64_t kClockSkew = 300;  // seconds

Error denied(std::string text) {
  return {Fault::denied, std::move(text)};
}

LiteralAd offer(const Sinful& peer, Command command, std::chrono::seconds duration,
                const KeyExchange& exchange) {
  LiteralAd ad;
  for (const char* feature :
       {"Authentication", "AuthenticationNew", "Encryption", "Integrity", "OutgoingNegotiation"})
    ad.set(feature, "REQUIRED");
  ad.set("AuthMethods", "TOKEN").set("CryptoMethods", "AES").set("Enact", "NO");
  ad.set("NewSession", "YES").set("NegotiatedSession", true).set("Subsystem", "STARTD");
  ad.set("ServerPid", std::int64_t{::getpid()});
  ad.set("SessionDuration", std::to_string(duration.count()));
  ad.set("SessionLease", static_cast<std::int64_t>(duration.count()));
  ad.set("RemoteVersion", condor_version()).set("ConnectSinful", format(peer));
  ad.set("Command", std::int64_t{static_cast<int>(command)});
  ad.set("ECDHPublicKey", oci::encode_base64(exchange.public_point()));
  return ad;
}

std::vector<std::string> words(std::string_view list) {
  std::vector<std::string> out;
  for (std::string_view word : split(list, ',')) {
    word.remove_prefix(std::min(word.find_first_not_of(' '), word.size()));
    if (!word.empty()) out.emplace_back(word);
  }
  return out;
}

Result<MessageReader> receive(Stream& stream, Deadline deadline, std::string_view what) {
  auto message = stream.receive(kMaxSmallMessage, deadline);
  if (message || message.error().fault != Fault::not_found) return message;
  return Error{Fault::transient, fmt::format("the peer closed the connection instead of {}", what)};
}

Result<LiteralAd> receive_ad(Stream& stream, Deadline deadline, std::string_view what) {
  MessageReader message = TRY(receive(stream, deadline, what));
  return get_literal_ad(message);
}

Result<std::int64_t> receive_integer(Stream& stream, Deadline deadline, std::string_view what) {
  MessageReader message = TRY(receive(stream, deadline, what));
  return message.integer();
}

Result<LiteralAd> agree(Stream& stream, const LiteralAd& offered, Deadline deadline) {
  MessageWriter hello = stream.writer();
  hello.integer(static_cast<int>(Command::dc_authenticate));
  put_literal_ad(hello, offered);
  TRY(stream.send(hello, deadline));
  LiteralAd reply = TRY(receive_ad(
      stream, deadline,
      "naming its security policy: it has none in common with ours (TOKEN and AES), or does not "
      "know the command"));
  const std::vector<std::string> methods = words(reply.string("CryptoMethods"));
  if (reply.string("Encryption") != "YES" || methods.empty() || methods.front() != "AES")
    return denied("the pool does not encrypt with AES");
  if (reply.string("Authentication") != "YES") return denied("the pool does not authenticate");
  return reply;
}

std::string diagnosis(const IdToken& token, Akep2Client::Refusal refusal) {
  const std::string who = fmt::format("the token of {}", printable(token.subject));
  if (refusal == Akep2Client::Refusal::key)
    return fmt::format("wrong key: {} was not signed with the pool's key {}", who,
                       printable(token.key_id));
  if (const auto why = why_refused(token, ::time(nullptr)))
    return fmt::format("the pool refused {}: {}", who, *why);
  return fmt::format(
      "the pool refused {}: it is revoked, older than SEC_TOKEN_MAX_AGE, or signed with a key {} "
      "that the pool no longer has",
      who, printable(token.key_id));
}

Result<void> prove(Stream& stream, const IdToken& token, Deadline deadline) {
  Akep2Client client(token, random_bytes(kNonce));
  MessageWriter hello = stream.writer();
  client.put_hello(hello);
  TRY(stream.send(hello, deadline));
  MessageReader challenge = TRY(receive(stream, deadline, "answering to the token"));
  auto taken = client.take_challenge(challenge);
  MessageWriter answer = stream.writer();
  if (taken)
    client.put_proof(answer);
  else
    Akep2Client::put_failure(answer);
  auto sent = stream.send(answer, deadline);
  if (client.refusal() != Akep2Client::Refusal::none)
    return denied(diagnosis(token, client.refusal()));
  if (!taken) return taken;
  return sent;
}

Result<void> authenticate(Stream& stream, const IdToken& token, Deadline deadline) {
  MessageWriter methods = stream.writer();
  methods.integer(kMethodToken);
  TRY(stream.send(methods, deadline));
  const std::int64_t method = TRY(receive_integer(stream, deadline, "choosing a method"));
  if (method != kMethodToken) return denied("the pool does not accept tokens");
  TRY(prove(stream, token, deadline));
  // A wrapped key would follow here if there were no ECDH.
  const std::int64_t has_key =
      TRY(receive_integer(stream, deadline, "accepting our proof of the token"));
  if (has_key != 0) return Error{Fault::unsupported, "the pool makes session keys of its own"};
  return {};
}

bool has_scope(const IdToken& token, std::string_view scope) {
  return token.scopes.empty() ||
         std::find(token.scopes.begin(), token.scopes.end(), scope) != token.scopes.end();
}

Error refusal(const LiteralAd& answer, Command command, const IdToken& token) {
  const std::string code = answer.string("ReturnCode");
  if (code == "CMD_NOT_FOUND")
    return {Fault::unsupported,
            fmt::format("the peer does not know command {}", static_cast<int>(command))};
  std::string user = answer.string("User");
  if (user.empty()) user = token.subject;
  user = printable(user);
  const bool advertising = command == Command::update_startd_ad ||
                           command == Command::invalidate_startd_ads ||
                           command == Command::ccb_register;
  if (!advertising)
    return denied(fmt::format("the peer does not let {} use command {} ({})", user,
                              static_cast<int>(command), printable(code)));
  if (!has_scope(token, "condor:/ADVERTISE_STARTD"))
    return denied(fmt::format("the token of {} lacks the authorization ADVERTISE_STARTD", user));
  return denied(
      fmt::format("the pool does not let {0} advertise: its configuration needs the line "
                  "ALLOW_ADVERTISE_STARTD = $(ALLOW_ADVERTISE_STARTD) {0}",
                  user));
}

Clock::time_point expiry(const LiteralAd& policy, std::chrono::seconds asked) {
  auto seconds = static_cast<std::uint64_t>(asked.count());
  if (const auto given = parse_number(policy.string("SessionDuration")))
    seconds = std::min(seconds, *given);
  return Clock::now() + std::chrono::seconds(seconds);
}

}  // namespace

Result<NewSession> make_session(Stream& stream, const Sinful& peer, Command command,
                                const TokenSource& tokens, std::chrono::seconds duration,
                                Deadline deadline) {
  const KeyExchange exchange;
  const LiteralAd policy = TRY(agree(stream, offer(peer, command, duration, exchange), deadline));
  const IdToken token =
      TRY(tokens.choose(policy.string("TrustDomain"), words(policy.string("IssuerKeys"))));
  const std::int64_t now = ::time(nullptr);
  if (token.issued_at && *token.issued_at > now + kClockSkew)
    return denied(fmt::format("the token of {} is not used: {}", printable(token.subject),
                              why_refused(token, now).value_or("")));
  const auto point = oci::decode_base64(policy.string("ECDHPublicKey"));
  if (!point) return Error{Fault::invalid, "the peer's public key is not base64"};
  const Key key = TRY(exchange.finish(*point));
  TRY(authenticate(stream, token, deadline));
  stream.encrypt(key);
  const LiteralAd answer = TRY(receive_ad(stream, deadline, "naming the session"));
  if (answer.string("ReturnCode") != "AUTHORIZED") return refusal(answer, command, token);
  NewSession made;
  made.session.id = answer.string("Sid");
  made.session.key = key;
  made.session.expires = expiry(policy, duration);
  if (made.session.id.empty()) return Error{Fault::invalid, "a session without an id"};
  for (const std::string& one : words(answer.string("ValidCommands")))
    if (const auto number = parse_number(one); number && *number <= 1'000'000)
      made.commands.insert(static_cast<int>(*number));
  return made;
}

}  // namespace podpilot::agent::htcondor
