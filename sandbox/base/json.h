// SPDX-License-Identifier: Apache-2.0
// JSON from outside: bounded, and read by key with errors that name the place.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"

namespace podpilot {

using Json = nlohmann::json;

// Fault::invalid with line and column of the first fault. Depth is limited to `max_depth`,
// duplicate keys of one object are refused (two readers would disagree on which one counts).
Result<Json> parse_json(std::string_view text, int max_depth = 32);

// A JSON string literal; bytes that are not UTF-8 become U+FFFD.
std::string json_quote(std::string_view text);

// Compact, or indented for people; never throws on bytes that are not UTF-8.
std::string dump_json(const Json& value, int indent = -1);

// Reads the members of one object. Each getter remembers its key, so that finish() can refuse the
// ones nobody asked for. Errors read "inputs[2].mode: must be a string".
class JsonObject {
 public:
  // `where` is the path shown in errors, "" for the top. `value` must outlive this.
  static Result<JsonObject> of(const Json& value, std::string where);

  // Absent and null are the same: nothing.
  Result<std::optional<std::string>> string(const char* key);
  Result<std::optional<std::int64_t>> integer(const char* key);
  Result<std::optional<bool>> boolean(const char* key);
  Result<std::vector<std::string>> strings(const char* key);
  Result<std::map<std::string, std::string>> string_map(const char* key);
  // A member of any type, nullptr if absent or null.
  const Json* member(const char* key);

  Result<std::string> required_string(const char* key);
  Result<std::int64_t> required_integer(const char* key);

  // "key" as errors show it.
  std::string path(std::string_view key) const;
  // Fault::invalid that names an unknown member and the known ones.
  Result<void> finish() const;

 private:
  JsonObject(const Json& value, std::string where) : value_(&value), where_(std::move(where)) {}
  Error wrong_type(std::string_view key, std::string_view wanted) const;

  const Json* value_;
  std::string where_;
  std::vector<std::string> known_;
};

}  // namespace podpilot
