// SPDX-License-Identifier: Apache-2.0
// One event a line on stderr. Only agent/ logs above debug: library code returns its errors, so
// that one failure gives one line. Safe to call from any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace podpilot::log {

enum class Level { debug, info, warning, error };
enum class Format { text, json };

// `text` is for people ("12:00:01 pulled image=... bytes=..."), `json` for collectors.
void configure(Level level, Format format);
bool enabled(Level level);

using Field = std::pair<std::string_view, std::string>;

// Control characters of values are escaped: a hostile image name cannot forge a line.
void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::info, event, fields);
}
inline void warning(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::warning, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::error, event, fields);
}

}  // namespace podpilot::log
