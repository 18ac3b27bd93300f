// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "sandbox/base/text.h"

namespace podpilot {
namespace {

// nlohmann's SAX interface: checks depth and duplicate keys before anything is built.
class Checker : public nlohmann::json_sax<Json> {
 public:
  explicit Checker(std::string_view text, int max_depth) : text_(text), max_depth_(max_depth) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(string_t& key) override {
    if (keys_.back().insert(key).second) return true;
    problem_ = fmt::format("\"{}\" stands twice in one object", printable(key));
    return false;
  }
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception&) override {
    const std::string_view before = text_.substr(0, std::min(position, text_.size()));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t newline = before.rfind('\n');
    const std::size_t column =
        before.size() - (newline == std::string_view::npos ? 0 : newline + 1);
    problem_ = fmt::format("not JSON at line {} column {}", line, column);
    if (!token.empty()) problem_ += fmt::format(", near \"{}\"", printable(token.substr(0, 40)));
    return false;
  }
  const std::string& problem() const { return problem_; }

 private:
  bool enter() {
    keys_.emplace_back();
    if (static_cast<int>(keys_.size()) <= max_depth_) return true;
    problem_ = fmt::format("nested deeper than {} levels", max_depth_);
    return false;
  }
  bool leave() {
    keys_.pop_back();
    return true;
  }

  std::string_view text_;
  int max_depth_;
  std::vector<std::set<std::string>> keys_;
  std::string problem_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, int max_depth) {
  Checker checker(text, max_depth);
  if (!Json::sax_parse(text, &checker))
    return Error{Fault::invalid, checker.problem().empty() ? "not JSON" : checker.problem()};
  return Json::parse(text, nullptr, false);
}

std::string json_quote(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Result<JsonObject> JsonObject::of(const Json& value, std::string where) {
  if (!value.is_object())
    return Error{Fault::invalid, (where.empty() ? "" : where + ": ") + "must be an object"};
  return JsonObject(value, std::move(where));
}

std::string JsonObject::path(std::string_view key) const {
  return where_.empty() ? std::string(key) : fmt::format("{}.{}", where_, key);
}

Error JsonObject::wrong_type(std::string_view key, std::string_view wanted) const {
  return {Fault::invalid, fmt::format("{}: must be {}", path(key), wanted)};
}

const Json* JsonObject::member(const char* key) {
  known_.emplace_back(key);
  const auto found = value_->find(key);
  return found == value_->end() || found->is_null() ? nullptr : &*found;
}

Result<std::optional<std::string>> JsonObject::string(const char* key) {
  const Json* value = member(key);
  if (!value) return std::optional<std::string>();
  if (!value->is_string()) return wrong_type(key, "a string");
  return std::optional(value->get<std::string>());
}

Result<std::optional<std::int64_t>> JsonObject::integer(const char* key) {
  const Json* value = member(key);
  if (!value) return std::optional<std::int64_t>();
  if (!value->is_number_integer()) return wrong_type(key, "a whole number");
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX)
    return wrong_type(key, "a whole number below 2^63");
  return std::optional(value->get<std::int64_t>());
}

Result<std::optional<bool>> JsonObject::boolean(const char* key) {
  const Json* value = member(key);
  if (!value) return std::optional<bool>();
  if (!value->is_boolean()) return wrong_type(key, "true or false");
  return std::optional(value->get<bool>());
}

Result<std::vector<std::string>> JsonObject::strings(const char* key) {
  std::vector<std::string> out;
  const Json* value = member(key);
  if (!value) return out;
  if (!value->is_array()) return wrong_type(key, "a list of strings");
  for (std::size_t i = 0; i < value->size(); ++i) {
    if (!(*value)[i].is_string()) return wrong_type(fmt::format("{}[{}]", key, i), "a string");
    out.push_back((*value)[i].get<std::string>());
  }
  return out;
}

Result<std::map<std::string, std::string>> JsonObject::string_map(const char* key) {
  std::map<std::string, std::string> out;
  const Json* value = member(key);
  if (!value) return out;
  if (!value->is_object()) return wrong_type(key, "an object of strings");
  for (const auto& [name, member] : value->items()) {
    if (!member.is_string()) return wrong_type(fmt::format("{}.{}", key, name), "a string");
    out.emplace(name, member.get<std::string>());
  }
  return out;
}

Result<std::string> JsonObject::required_string(const char* key) {
  std::optional<std::string> value = TRY(string(key));
  if (!value) return Error{Fault::invalid, path(key) + ": is missing"};
  return *std::move(value);
}

Result<std::int64_t> JsonObject::required_integer(const char* key) {
  const std::optional<std::int64_t> value = TRY(integer(key));
  if (!value) return Error{Fault::invalid, path(key) + ": is missing"};
  return *value;
}

Result<void> JsonObject::finish() const {
  for (const auto& [key, member] : value_->items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    return Error{Fault::invalid, fmt::format("{}: is not a known key; known are {}",
                                             path(printable(key)), fmt::join(known_, ", "))};
  }
  return {};
}

}  // namespace podpilot
