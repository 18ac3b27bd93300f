// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>

#include "sandbox/base/io.h"
#include "sandbox/base/json.h"
#include "sandbox/base/text.h"

namespace podpilot::log {
namespace {

std::atomic<Level> g_level{Level::info};
std::atomic<Format> g_format{Format::text};

std::string_view name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "error";
}

// Backslash and quote are escaped in quoted values, so that a value cannot end itself and go on as
// the next field.
std::string shown(std::string_view value) {
  if (!value.empty() && value.find_first_of(" \"=\\") == std::string_view::npos)
    return printable(value);
  std::string escaped;
  for (const char c : value) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return fmt::format("\"{}\"", printable(escaped));
}

std::string as_text(Level level, std::string_view event, std::initializer_list<Field> fields) {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::string line = fmt::format("{:%H:%M:%S}Z {}{}", fmt::gmtime(now),
                                 level >= Level::warning ? fmt::format("{}: ", name(level)) : "",
                                 printable(event));
  for (const auto& [key, value] : fields) line += fmt::format(" {}={}", key, shown(value));
  return line + "\n";
}

std::string as_json(Level level, std::string_view event, std::initializer_list<Field> fields) {
  const auto now = std::chrono::system_clock::now();
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::string line =
      fmt::format(R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z","level":"{}","event":{})",
                  fmt::gmtime(std::chrono::system_clock::to_time_t(now)), millis, name(level),
                  json_quote(event));
  for (const auto& [key, value] : fields)
    line += fmt::format(",{}:{}", json_quote(key), json_quote(value));
  return line + "}\n";
}

}  // namespace

void configure(Level level, Format format) {
  g_level = level;
  g_format = format;
}

bool enabled(Level level) {
  return level >= g_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  const std::string line =
      g_format == Format::json ? as_json(level, event, fields) : as_text(level, event, fields);
  // One write a line, so that lines of threads and processes do not mix. A stderr that is gone is
  // no reason to stop.
  [[maybe_unused]] const auto written = write_all(BorrowedFd(STDERR_FILENO), line);
}

}  // namespace podpilot::log
