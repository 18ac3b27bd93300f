// SPDX-License-Identifier: Apache-2.0
#include "oci/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cstdlib>

#include "sandbox/base/text.h"

namespace podpilot::oci {

struct Sha256::Context {
  EVP_MD_CTX* evp = nullptr;
  ~Context() { EVP_MD_CTX_free(evp); }
};

Result<Digest> Digest::parse(std::string_view text) {
  constexpr std::size_t kHexLength = 64;
  const auto bad = [&] {
    return Error{Fault::invalid,
                 fmt::format("\"{}\" is not a digest", printable(text.substr(0, 100)))};
  };
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return bad();
  const std::string_view hex = text.substr(colon + 1);
  if (text.substr(0, colon) == "sha512" &&
      hex.find_first_not_of("0123456789abcdef") == std::string_view::npos)
    return Error{Fault::unsupported, "sha512 digests are not supported, only sha256"};
  if (text.substr(0, colon) != "sha256" || hex.size() != kHexLength ||
      hex.find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return bad();
  return Digest(std::string(hex));
}

Digest Digest::of(std::string_view bytes) {
  Sha256 sum;
  sum.update(bytes);
  return sum.finish();
}

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  context_->evp = EVP_MD_CTX_new();
  // Fails only without memory, as new would.
  if (!context_->evp || EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr) != 1) std::abort();
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size());
}

Digest Sha256::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned length = 0;
  EVP_DigestFinal_ex(context_->evp, raw.data(), &length);
  std::string hex;
  for (unsigned i = 0; i < length; ++i) hex += fmt::format("{:02x}", raw.at(i));
  return Digest(std::move(hex));
}

}  // namespace podpilot::oci
