// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace podpilot {
namespace {

// Length of the UTF-8 sequence at the front of `text`, 0 if it is none (overlong forms and
// surrogates count as none: RFC 3629 section 4).
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  std::size_t length = 0;
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) length = 2;
  if (lead >= 0xE0 && lead <= 0xEF) length = 3;
  if (lead >= 0xF0 && lead <= 0xF4) length = 4;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((at(i) & 0xC0) != 0x80) return 0;
  if ((lead == 0xE0 && at(1) < 0xA0) || (lead == 0xED && at(1) > 0x9F)) return 0;
  if ((lead == 0xF0 && at(1) < 0x90) || (lead == 0xF4 && at(1) > 0x8F)) return 0;
  return length;
}

std::optional<std::uint64_t> scaled(
    std::string_view text,
    std::initializer_list<std::pair<std::string_view, std::uint64_t>> units) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  const auto number = parse_number(text.substr(0, digits));
  const std::string_view unit =
      digits == std::string_view::npos ? std::string_view() : text.substr(digits);
  if (!number) return std::nullopt;
  for (const auto& [name, factor] : units) {
    if (unit != name) continue;
    if (*number > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
    return *number * factor;
  }
  return std::nullopt;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto byte = static_cast<unsigned char>(text[0]);
    if (length == 0 || byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
      text.remove_prefix(1);
      continue;
    }
    // C1 control characters (U+0080..U+009F) drive terminals as well as ESC does.
    const bool c1 = length == 2 && byte == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
    if (c1)
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[1]));
    else
      out.append(text.substr(0, length));
    text.remove_prefix(length);
  }
  return out;
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits = {"kB", "MB", "GB", "TB", "PB"};
  if (bytes < 1000) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (value /= 1000; value >= 999.95 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string human_duration(std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds < 0.001) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 120) return fmt::format("{:.2f} s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  constexpr std::uint64_t kKi = 1024;
  return scaled(text, {{"", 1},
                       {"B", 1},
                       {"k", 1000},
                       {"kB", 1000},
                       {"K", 1000},
                       {"KB", 1000},
                       {"M", 1000'000},
                       {"MB", 1000'000},
                       {"G", 1000'000'000},
                       {"GB", 1000'000'000},
                       {"T", 1000'000'000'000},
                       {"TB", 1000'000'000'000},
                       {"Ki", kKi},
                       {"KiB", kKi},
                       {"Mi", kKi * kKi},
                       {"MiB", kKi * kKi},
                       {"Gi", kKi * kKi * kKi},
                       {"GiB", kKi * kKi * kKi},
                       {"Ti", kKi * kKi * kKi * kKi},
                       {"TiB", kKi * kKi * kKi * kKi}});
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto millis = scaled(
      text,
      {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}});
  constexpr std::uint64_t kTenYears = 10ULL * 366 * 86'400'000;
  if (!millis || *millis > kTenYears) return std::nullopt;
  return std::chrono::milliseconds(*millis);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t cut = text.find(separator);
    parts.push_back(text.substr(0, cut));
    if (cut == std::string_view::npos) return parts;
    text.remove_prefix(cut + 1);
  }
}

}  // namespace podpilot
