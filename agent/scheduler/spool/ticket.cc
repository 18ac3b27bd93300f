// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/ticket.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>

#include "sandbox/base/text.h"

namespace podpilot::agent::spool {
namespace {

// Ranks count down so that a higher priority sorts first.
constexpr std::int64_t kRankOfZero = 0x80000000;
constexpr unsigned kMaxCount = 999'999;

bool all_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

std::optional<std::uint64_t> parse_hex(std::string_view text, std::size_t digits) {
  if (text.size() != digits || !all_of(text, "0123456789abcdef")) return std::nullopt;
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

// A count after its letter, without leading zeros: one ticket has one name.
std::optional<unsigned> parse_count(std::string_view text, char letter) {
  if (text.size() < 2 || text[0] != letter || (text[1] == '0' && text.size() > 2))
    return std::nullopt;
  const auto value = parse_number(text.substr(1));
  if (!value || *value > kMaxCount) return std::nullopt;
  return static_cast<unsigned>(*value);
}

}  // namespace

const char* to_string(State state) {
  switch (state) {
    case State::queued:
      return "queued";
    case State::running:
      return "running";
    case State::done:
      return "done";
  }
  return "done";
}

std::string Ticket::name() const {
  return fmt::format("{:08x}-{}.a{}.r{}.s{}.{:016x}", kRankOfZero - priority, job, attempt, retried,
                     strikes, owner);
}

std::optional<Ticket> Ticket::parse(std::string_view name) {
  if (name.size() < 10 || name[8] != '-') return std::nullopt;
  const std::vector<std::string_view> parts = split(name.substr(9), '.');
  if (parts.size() != 5 || !is_job_id(parts[0])) return std::nullopt;
  const auto rank = parse_hex(name.substr(0, 8), 8);
  const auto attempt = parse_count(parts[1], 'a');
  const auto retried = parse_count(parts[2], 'r');
  const auto strikes = parse_count(parts[3], 's');
  const auto owner = parse_hex(parts[4], 16);
  if (!rank || !attempt || !retried || !strikes || !owner) return std::nullopt;
  const std::int64_t priority = kRankOfZero - static_cast<std::int64_t>(*rank);
  if (priority > kMaxPriority || priority < -kMaxPriority) return std::nullopt;
  return Ticket{priority, std::string(parts[0]), *attempt, *retried, *strikes, *owner};
}

std::string Ticket::attempt_name() const {
  return fmt::format("{}.{:016x}", attempt, owner);
}

Ticket Ticket::taken_by(std::uint64_t who) const {
  Ticket taken = *this;
  taken.attempt = attempt + 1;
  taken.owner = who;
  return taken;
}

std::string new_job_id(std::chrono::system_clock::time_point now, std::uint32_t random) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  return fmt::format("{:%Y%m%dT%H%M%S}{:06}Z-{:08x}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)), micros % 1'000'000,
                     random);
}

bool is_job_id(std::string_view text) {
  constexpr std::string_view kShape =
      "dddddddd"  // date
      "Tdddddd"   // time
      "dddddd"    // microseconds
      "Z-xxxxxxxx";
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    const bool hex = digit || (text[i] >= 'a' && text[i] <= 'f');
    const char want = kShape[i];
    if (want == 'd' ? !digit : want == 'x' ? !hex : text[i] != want) return false;
  }
  return true;
}

}  // namespace podpilot::agent::spool
