// SPDX-License-Identifier: Apache-2.0
// The values inside one CEDAR message: big-endian 64-bit integers, strings, raw bytes. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// Strings end in NUL; on an encrypted stream an integer in front counts their bytes, NUL included.
enum class Coding { clear, encrypted };

// Builds a message's body. Bodies may hold secrets: they are wiped.
class MessageWriter {
 public:
  explicit MessageWriter(Coding coding = Coding::clear) : coding_(coding) {}
  MessageWriter(const MessageWriter&) = default;
  MessageWriter(MessageWriter&&) noexcept = default;
  MessageWriter& operator=(const MessageWriter&) = default;
  MessageWriter& operator=(MessageWriter&&) noexcept = default;
  ~MessageWriter();

  MessageWriter& integer(std::int64_t value);
  // `text` up to its first NUL: the peer would read no further.
  MessageWriter& string(std::string_view text);
  MessageWriter& bytes(std::string_view raw);

  const std::string& body() const { return body_; }
  Coding coding() const { return coding_; }

 private:
  Coding coding_;
  std::string body_;
};

// Reads a body from its front. What does not fit (too short, no NUL, a count that is negative or
// larger than what is left) is Fault::invalid, and the reader stays where it was.
class MessageReader {
 public:
  MessageReader(std::string body, Coding coding) : body_(std::move(body)), coding_(coding) {}
  MessageReader(const MessageReader&) = delete;
  MessageReader(MessageReader&&) noexcept = default;
  MessageReader& operator=(const MessageReader&) = delete;
  MessageReader& operator=(MessageReader&&) noexcept = default;
  ~MessageReader();

  Result<std::int64_t> integer();
  // An integer that counts something: 0 to `limit`.
  Result<std::size_t> count(std::size_t limit);
  // Without its NUL; a null string (the byte 0xAD, in clear without a NUL) is "".
  Result<std::string> string();
  Result<std::string> bytes(std::size_t count);

  std::size_t left() const { return body_.size() - at_; }
  Coding coding() const { return coding_; }

 private:
  Result<std::string> ended_string();
  Result<std::string> counted_string();

  std::string body_;
  std::size_t at_ = 0;
  Coding coding_;
};

}  // namespace podpilot::agent::htcondor
