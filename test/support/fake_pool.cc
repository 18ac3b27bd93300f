// SPDX-License-Identifier: Apache-2.0
#include "test/support/fake_pool.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "agent/scheduler/htcondor/security/literal_ad.h"
#include "agent/scheduler/htcondor/security/token_seed.h"
#include "oci/registry/credentials.h"

namespace podpilot::test {

using namespace agent::htcondor;

namespace {

constexpr const char* kServer = "condor@password";

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

std::string base64url(std::string_view bytes) {
  std::string text = oci::encode_base64(bytes);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text.substr(0, text.find('='));
}

std::string hmac(const EVP_MD* hash, std::string_view key, std::string_view text) {
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(hash)), '\0');
  HMAC(hash, key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), nullptr);
  return out;
}

Result<void> send_ad(Stream& stream, const LiteralAd& ad) {
  MessageWriter message = stream.writer();
  put_literal_ad(message, ad);
  return stream.send(message, soon());
}

Result<void> send_integer(Stream& stream, std::int64_t value) {
  MessageWriter message = stream.writer();
  return stream.send(message.integer(value), soon());
}

// The server's half of AKEP2; whether the client proved its token. `subject` is filled in.
Result<bool> check_token(Stream& stream, const FakePool::Policy& policy, std::string& subject) {
  MessageReader hello = TRY(stream.receive(kMaxSmallMessage, soon()));
  [[maybe_unused]] const std::int64_t sent_status = TRY(hello.integer());
  [[maybe_unused]] const std::int64_t subject_length = TRY(hello.integer());
  subject = TRY(hello.string());
  const std::string signed_part = TRY(hello.string());
  const std::size_t length = TRY(hello.count(256));
  const std::string nonce = TRY(hello.bytes(length));
  MessageWriter challenge = stream.writer();
  if (policy.refuse_tokens) {
    challenge.integer(-1).integer(0).string("").integer(0).string("").integer(0).integer(0);
    TRY(stream.send(challenge.integer(0), soon()));
    TRY(stream.receive(kMaxSmallMessage, soon()));
    return false;
  }
  std::string salt(reinterpret_cast<const char*>(kTokenSeedA.data()), kTokenSeedA.size());
  const Key key =
      hkdf_sha256(hmac(EVP_sha256(), policy.secret, signed_part), salt + signed_part, "master ka");
  const std::string own = random_bytes(256);
  const std::string nul(1, '\0');
  const std::string proof =
      hmac(EVP_sha1(), key.reveal(), subject + " " + kServer + nul + nonce + own);
  challenge.integer(0).integer(0).string(subject).integer(0).string(kServer);
  challenge.integer(256).bytes(nonce).integer(256).bytes(own).integer(20).bytes(proof);
  TRY(stream.send(challenge, soon()));
  MessageReader answer = TRY(stream.receive(kMaxSmallMessage, soon()));
  const std::int64_t status = TRY(answer.integer());
  [[maybe_unused]] const std::int64_t name_length = TRY(answer.integer());
  [[maybe_unused]] const std::string name = TRY(answer.string());
  const std::size_t echoed = TRY(answer.count(256));
  TRY(answer.bytes(echoed));
  const std::size_t proven = TRY(answer.count(64));
  const std::string theirs = TRY(answer.bytes(proven));
  return status == 0 && theirs == hmac(EVP_sha1(), key.reveal(), subject + nul + own);
}

}  // namespace

std::string fake_token(const std::string& payload, const std::string& secret) {
  nlohmann::json claims = {{"iss", "pool"},        {"sub", "pilot@pool"},
                           {"jti", "1"},           {"iat", 1'700'000'000},
                           {"exp", 4'102'444'800}, {"scope", "condor:/ADVERTISE_STARTD"}};
  claims.update(nlohmann::json::parse(payload));
  std::string kid = "POOL";
  if (claims.contains("kid")) kid = claims["kid"];
  const std::string signed_part = base64url(fmt::format(R"({{"alg":"HS256","kid":"{}"}})", kid)) +
                                  "." + base64url(claims.dump());
  return signed_part + "." + base64url(hmac(EVP_sha256(), secret, signed_part));
}

std::pair<UniqueFd, UniqueFd> stream_pair() {
  int ends[2] = {-1, -1};
  ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

FakePool::FakePool(Handler handler)
    : handler_(std::move(handler)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 64) != 0)
    std::abort();
  acceptor_ = std::jthread([this] {
    for (;;) {
      pollfd watched[2] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
      ::poll(watched, 2, -1);
      if (watched[1].revents != 0) return;
      UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      connections_.emplace_back(
          [this, fd = std::move(connection)]() mutable { serve(std::move(fd)); });
    }
  });
}

FakePool::~FakePool() {
  ::eventfd_write(stop_.get(), 1);
}

Sinful FakePool::address() const {
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  Sinful address;
  address.host = "127.0.0.1";
  address.port = ntohs(bound.sin_port);
  return address;
}

void FakePool::set(Policy policy) {
  const std::lock_guard lock(mutex_);
  policy_ = std::move(policy);
}

void FakePool::forget_sessions() {
  const std::lock_guard lock(mutex_);
  sessions_.clear();
}

std::vector<std::string> FakePool::events(std::size_t expected) const {
  std::unique_lock lock(mutex_);
  noted_.wait_for(lock, std::chrono::seconds(10), [&] { return events_.size() >= expected; });
  return events_;
}

void FakePool::note(const std::string& event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(event);
  noted_.notify_all();
}

void FakePool::serve(UniqueFd connection) {
  Stream stream(std::move(connection), stop_);
  static_cast<void>(converse(stream));  // what a client broke off is the client's to report
}

Result<void> FakePool::converse(Stream& stream) {
  MessageReader first = TRY(stream.receive(kMaxSmallMessage, soon()));
  [[maybe_unused]] const std::int64_t authenticate = TRY(first.integer());
  const LiteralAd ad = TRY(get_literal_ad(first));
  const int command = static_cast<int>(ad.integer("Command").value_or(-1));
  if (ad.string("UseSession") == "YES")
    TRY(resume(stream, ad.string("Sid"), command));
  else
    TRY(make(stream, ad.string("ECDHPublicKey"), command));
  handler_(stream, static_cast<Command>(command));
  return {};
}

Result<void> FakePool::resume(Stream& stream, const std::string& id, int command) {
  std::optional<Key> key;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = sessions_.find(id); found != sessions_.end()) key = found->second;
  }
  note(key ? fmt::format("resumed {}", command) : "unknown session");
  LiteralAd answer;
  TRY(send_ad(stream, answer.set("ReturnCode", key ? "AUTHORIZED" : "SID_NOT_FOUND")));
  if (!key) return Error{Fault::not_found, "unknown session"};
  stream.encrypt(*key);
  return {};
}

Result<void> FakePool::make(Stream& stream, const std::string& peer_point, int command) {
  Policy policy;
  std::string id;
  {
    const std::lock_guard lock(mutex_);
    policy = policy_;
    id = fmt::format("session{}", ++made_);
  }
  const KeyExchange exchange;
  LiteralAd offer;
  offer.set("Enact", "YES").set("Authentication", "YES");
  offer.set("Encryption", policy.encrypt ? "YES" : "NO").set("CryptoMethods", "AES");
  offer.set("TrustDomain", policy.trust_domain).set("IssuerKeys", policy.issuer_keys);
  offer.set("SessionDuration", policy.session_duration);
  offer.set("ECDHPublicKey", oci::encode_base64(exchange.public_point()));
  TRY(send_ad(stream, offer));
  TRY(stream.receive(kMaxSmallMessage, soon()));
  TRY(send_integer(stream, 2048));
  std::string subject;
  const bool proven = TRY(check_token(stream, policy, subject));
  note(fmt::format("{} {} {}", proven ? "new" : "unproven", subject, command));
  if (!proven) return Error{Fault::denied, "no token of ours"};
  TRY(send_integer(stream, 0));
  const Key key = TRY(exchange.finish(oci::decode_base64(peer_point).value_or("")));
  stream.encrypt(key);
  LiteralAd answer;
  answer.set("ReturnCode", policy.return_code).set("Sid", id).set("User", subject);
  TRY(send_ad(stream, answer.set("ValidCommands", policy.commands)));
  if (policy.return_code != "AUTHORIZED") return Error{Fault::denied, policy.return_code};
  const std::lock_guard lock(mutex_);
  sessions_.insert_or_assign(id, key);
  return {};
}

}  // namespace podpilot::test
