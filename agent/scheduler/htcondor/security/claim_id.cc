// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/security/claim_id.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "agent/scheduler/htcondor/cedar/key.h"
#include "agent/scheduler/htcondor/cedar/peer_version.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::size_t kSecretBytes = 32;

Error bad(std::string_view why) {
  return {Fault::invalid, "a claim id " + std::string(why)};
}

bool printable_ascii(std::string_view text) {
  for (const char c : text)
    if (c <= ' ' || c >= 0x7f) return false;
  return true;
}

std::string valid_commands(std::span<const Command> commands) {
  std::vector<int> numbers;
  for (const Command command : commands) numbers.push_back(static_cast<int>(command));
  return numbers.empty() ? "" : fmt::format(R"(ValidCommands="{}";)", fmt::join(numbers, ","));
}

}  // namespace

std::string SecretClaimId::reveal() const {
  return session_id_ + "#" + info_ + secret_.reveal();
}

bool SecretClaimId::operator==(const SecretClaimId& other) const {
  return session_id_ == other.session_id_ && info_ == other.info_ &&
         equal_secrets(secret_.reveal(), other.secret_.reveal());
}

Result<SecretClaimId> parse_claim_id(std::string_view text) {
  if (text.size() > kMaxClaimId) return bad("that is too long");
  // Spaces stand inside the info only, so far as anybody writes them at all.
  const std::size_t cut = text.rfind('#');
  if (cut == std::string_view::npos || cut == 0) return bad("that names no session");
  SecretClaimId out;
  out.session_id_ = text.substr(0, cut);
  text.remove_prefix(cut + 1);
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return bad("whose session info does not end");
    out.info_ = text.substr(0, end + 1);
    text.remove_prefix(end + 1);
  }
  if (text.empty()) return bad("without a secret");
  if (!printable_ascii(out.session_id_) || !printable_ascii(text))
    return bad("with characters that cannot stand there");
  out.secret_ = oci::Secret(std::string(text));
  return out;
}

SecretClaimId mint_claim_id(std::string_view address, std::int64_t birth, std::uint64_t sequence,
                            std::span<const Command> commands) {
  std::string secret;
  std::string random = random_bytes(kSecretBytes);
  for (const char byte : random) secret += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  wipe(random);
  SecretClaimId out;
  out.session_id_ = fmt::format("{}#{}#{}", address, birth, sequence);
  out.info_ =
      fmt::format(R"([Encryption="YES";Integrity="YES";ShortVersion="{}";CryptoMethods="AES";{}])",
                  kPeerRelease, valid_commands(commands));
  out.secret_ = oci::Secret(std::move(secret));
  return out;
}

}  // namespace podpilot::agent::htcondor
