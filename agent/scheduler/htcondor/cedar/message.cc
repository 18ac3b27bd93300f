// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/cedar/message.h"

#include <fmt/format.h>

#include <utility>

#include "agent/scheduler/htcondor/cedar/key.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::size_t kIntegerSize = 8;
constexpr char kNullString = '\xad';

Error bad(std::string_view why) {
  return {Fault::invalid, "a message with " + std::string(why)};
}

}  // namespace

MessageWriter::~MessageWriter() {
  wipe(body_);
}

MessageWriter& MessageWriter::integer(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  for (int shift = 56; shift >= 0; shift -= 8) body_ += static_cast<char>(bits >> shift & 0xff);
  return *this;
}

MessageWriter& MessageWriter::string(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  if (coding_ == Coding::encrypted) integer(static_cast<std::int64_t>(text.size()) + 1);
  body_.append(text);
  body_ += '\0';
  return *this;
}

MessageWriter& MessageWriter::bytes(std::string_view raw) {
  body_.append(raw);
  return *this;
}

MessageReader::~MessageReader() {
  wipe(body_);
}

Result<std::int64_t> MessageReader::integer() {
  if (left() < kIntegerSize) return bad("an integer that does not end");
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < kIntegerSize; ++i)
    bits = bits << 8 | static_cast<unsigned char>(body_[at_ + i]);
  at_ += kIntegerSize;
  return static_cast<std::int64_t>(bits);
}

Result<std::size_t> MessageReader::count(std::size_t limit) {
  const std::size_t start = at_;
  const std::int64_t value = TRY(integer());
  if (value >= 0 && static_cast<std::uint64_t>(value) <= limit)
    return static_cast<std::size_t>(value);
  at_ = start;
  return bad(fmt::format("a count of {}, at most {} would do", value, limit));
}

Result<std::string> MessageReader::string() {
  return coding_ == Coding::encrypted ? counted_string() : ended_string();
}

Result<std::string> MessageReader::ended_string() {
  if (left() > 0 && body_[at_] == kNullString) {
    ++at_;
    return std::string();
  }
  const std::size_t end = body_.find('\0', at_);
  if (end == std::string::npos) return bad("a string that does not end");
  const std::size_t start = std::exchange(at_, end + 1);
  return body_.substr(start, end - start);
}

Result<std::string> MessageReader::counted_string() {
  const std::size_t start = at_;
  const auto length = count(left());
  if (!length || *length > left()) {
    at_ = start;
    return bad("a string of a wrong length");
  }
  const std::string_view text = std::string_view(body_).substr(at_, *length);
  const std::size_t end = text.find('\0');
  if (text.starts_with(kNullString)) {
    at_ += *length;
    return std::string();
  }
  if (end == std::string_view::npos) {
    at_ = start;
    return bad("a string that does not end");
  }
  at_ += *length;
  return std::string(text.substr(0, end));
}

Result<std::string> MessageReader::bytes(std::size_t count) {
  if (count > left()) return bad("fewer bytes than it announces");
  at_ += count;
  return body_.substr(at_ - count, count);
}

}  // namespace podpilot::agent::htcondor
