// SPDX-License-Identifier: Apache-2.0
// Content digests: "sha256:<64 lower-case hex digits>" (OCI image-spec, descriptor.md#digests).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace podpilot::oci {

// A well-formed sha256 digest and nothing else: safe as a file name and in a URL. Other registered
// algorithms are Fault::unsupported, anything else is Fault::invalid.
class Digest {
 public:
  static Result<Digest> parse(std::string_view text);
  // The digest of `bytes`.
  static Digest of(std::string_view bytes);

  std::string str() const { return "sha256:" + hex_; }
  const std::string& hex() const { return hex_; }
  auto operator<=>(const Digest&) const = default;

 private:
  friend class Sha256;
  explicit Digest(std::string hex) : hex_(std::move(hex)) {}
  std::string hex_;
};

class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::string_view bytes);
  // Ends the computation: call once.
  Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace podpilot::oci
