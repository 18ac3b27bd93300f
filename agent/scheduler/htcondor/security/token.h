// SPDX-License-Identifier: Apache-2.0
// HTCondor's tokens: JSON web tokens signed with a key of the pool.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/http/secret.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

using Secret = oci::Secret;

struct IdToken {
  std::string signed_part;                // header and payload as they stand: "h.p"; no secret
  Secret signature;                       // decoded: the secret that is shared with the pool
  std::string subject;                    // "pilot@pool": who we are to the pool
  std::string issuer;                     // the pool's trust domain
  std::string key_id;                     // which of the pool's keys signed it
  std::optional<std::int64_t> issued_at;  // seconds since the epoch
  std::optional<std::int64_t> expires;
  std::vector<std::string> scopes;  // "condor:/ADVERTISE_STARTD"; none: not limited
};

inline constexpr std::size_t kMaxToken = 64u << 10;       // bytes of one token
inline constexpr std::size_t kMaxTokenFile = 256u << 10;  // bytes of one file
inline constexpr std::size_t kMaxTokenFiles = 256;        // in one folder

// Not verified: only the pool can. Fault::invalid says what is wrong, never with the text itself.
Result<IdToken> parse_id_token(std::string_view text);

// Where tokens come from. Files are read again at each choose(), so that a token can be replaced
// under a running pilot. Thread-safe.
class TokenSource {
 public:
  // No token at all: choose() is always Fault::denied.
  TokenSource() = default;
  // A file (one token a line, # starts a comment), or a folder of such files in the order of their
  // names. Hidden ones and editors' backups are passed over, as HTCondor does.
  static TokenSource from_path(std::string path);
  // The value of an environment variable, which is then wiped from the process's own environment
  // block, where /proc/PID/environ would show it, and unset. Call it before any thread starts.
  // Fault::not_found where it is not set or empty.
  static Result<TokenSource> from_environment(const char* variable);

  // The first token that a pool with this trust domain (may be empty: any) made with one of these
  // keys (may be empty: any). Fault::denied names the issuers and keys of the tokens that are
  // there.
  Result<IdToken> choose(const std::string& trust_domain,
                         const std::vector<std::string>& issuer_keys) const;

 private:
  Result<std::vector<IdToken>> load() const;
  std::string path_;
  Secret text_;
};

// What can be said of a token that a pool refused, by our own clock `now` (seconds since the
// epoch): that it expired, or was issued in the future; nothing where neither is so.
std::optional<std::string> why_refused(const IdToken& token, std::int64_t now);

}  // namespace podpilot::agent::htcondor
