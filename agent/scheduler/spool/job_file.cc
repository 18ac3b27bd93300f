// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/job_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "agent/scheduler/spool/ticket.h"
#include "sandbox/base/json.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::spool {
namespace {

constexpr std::size_t kMaxList = 10'000;
constexpr std::size_t kMaxName = 200;
constexpr std::int64_t kMaxCpus = 4096;
constexpr std::int64_t kMaxRetries = 100;
constexpr std::int64_t kMaxProcesses = 1 << 22;  // PID_MAX_LIMIT
// Names of the engine's own files in the job's folder.
constexpr std::string_view kReserved = "_podpilot_";

Error invalid(std::string_view place, std::string_view problem) {
  return {Fault::invalid, fmt::format("{}: {}", place, problem)};
}

// A NUL would end the string early in every system call that it is meant for.
Result<void> check_text(const std::string& place, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return invalid(place, "must not hold a NUL byte");
  return {};
}

Result<std::string> text(JsonObject& object, const char* key) {
  const std::optional<std::string> value = TRY(object.string(key));
  if (value) TRY(check_text(object.path(key), *value));
  return value.value_or("");
}

Result<std::vector<std::string>> words(JsonObject& object, const char* key) {
  std::vector<std::string> list = TRY(object.strings(key));
  if (list.size() > kMaxList)
    return invalid(object.path(key), fmt::format("has more than {} entries", kMaxList));
  for (std::size_t i = 0; i < list.size(); ++i)
    TRY(check_text(fmt::format("{}[{}]", object.path(key), i), list[i]));
  return list;
}

Result<std::int64_t> number(JsonObject& object, const char* key, std::int64_t otherwise,
                            std::int64_t low, std::int64_t high) {
  const std::optional<std::int64_t> value = TRY(object.integer(key));
  if (!value) return otherwise;
  if (*value < low || *value > high)
    return invalid(object.path(key), fmt::format("must be from {} to {}", low, high));
  return *value;
}

// "2GiB", or a whole number of bytes; 0 if absent.
Result<std::uint64_t> bytes(JsonObject& object, const char* key) {
  constexpr std::string_view kWanted = "must be a size such as \"2GiB\" or a number of bytes";
  const Json* value = object.member(key);
  if (!value) return std::uint64_t{0};
  if (value->is_number_unsigned()) return value->get<std::uint64_t>();
  if (!value->is_string()) return invalid(object.path(key), kWanted);
  const auto parsed = parse_bytes(value->get<std::string>());
  if (!parsed) return invalid(object.path(key), kWanted);
  return *parsed;
}

// "30s", or a whole number of seconds.
Result<std::optional<std::chrono::milliseconds>> duration(JsonObject& object, const char* key) {
  constexpr std::string_view kWanted = "must be a time above 0 such as \"30s\" or \"2h\"";
  const Json* value = object.member(key);
  if (!value) return std::optional<std::chrono::milliseconds>();
  if (!value->is_string() && !value->is_number_unsigned())
    return invalid(object.path(key), kWanted);
  const auto parsed =
      parse_duration(value->is_string() ? value->get<std::string>() : value->dump());
  if (!parsed || parsed->count() == 0) return invalid(object.path(key), kWanted);
  return std::optional(*parsed);
}

Result<PullPolicy> pull_policy(JsonObject& object, const char* key) {
  const std::string value = TRY(text(object, key));
  if (value.empty() || value == "missing") return PullPolicy::missing;
  if (value == "always") return PullPolicy::always;
  if (value == "never") return PullPolicy::never;
  return invalid(object.path(key), "must be \"missing\", \"always\" or \"never\"");
}

Result<sandbox::Network> network(JsonObject& object, const char* key) {
  const std::string value = TRY(text(object, key));
  if (value.empty() || value == "host") return sandbox::Network::host;
  if (value == "none") return sandbox::Network::none;
  return invalid(object.path(key), "must be \"host\" or \"none\"");
}

Result<bool> flag(JsonObject& object, const char* key) {
  const std::optional<bool> value = TRY(object.boolean(key));
  return value.value_or(false);
}

Result<std::string> inside(const std::string& place, const std::string& path) {
  TRY(check_text(place, path));
  std::string clean = clean_relative(path);
  if (clean.empty())
    return invalid(place, "must be a path inside the job's folder, without \"..\"");
  if (clean.starts_with(kReserved))
    return invalid(place,
                   fmt::format("must not begin with {}, which is podpilot's own", kReserved));
  return clean;
}

std::string last_part(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path.substr(path.rfind('/') + 1));
}

Result<Input> input(const Json& value, const std::string& place) {
  if (!value.is_string() && !value.is_object())
    return invalid(place, "must be a path or an object with source and target");
  Input out;
  std::string target_place = place;
  if (value.is_string()) {
    out.source = value.get<std::string>();
  } else {
    JsonObject object = TRY(JsonObject::of(value, place));
    out.source = TRY(object.required_string("source"));
    out.target = TRY(text(object, "target"));
    TRY(object.finish());
    if (!out.target.empty()) target_place = object.path("target");
  }
  TRY(check_text(place, out.source));
  if (out.source.empty()) return invalid(place, "must name a file or a folder");
  if (out.target.empty()) out.target = last_part(out.source);
  out.target = TRY(inside(target_place, out.target));
  return out;
}

Result<std::vector<Input>> inputs(JsonObject& object, const char* key) {
  std::vector<Input> out;
  const Json* value = object.member(key);
  if (!value) return out;
  if (!value->is_array()) return invalid(object.path(key), "must be a list");
  if (value->size() > kMaxList)
    return invalid(object.path(key), fmt::format("has more than {} entries", kMaxList));
  std::set<std::string> targets;
  for (std::size_t i = 0; i < value->size(); ++i) {
    const std::string place = fmt::format("{}[{}]", object.path(key), i);
    Input next = TRY(input((*value)[i], place));
    if (!targets.insert(next.target).second)
      return invalid(place, fmt::format("a second input for \"{}\"", printable(next.target)));
    out.push_back(std::move(next));
  }
  return out;
}

Result<std::vector<std::string>> outputs(JsonObject& object, const char* key) {
  std::vector<std::string> list = TRY(words(object, key));
  for (std::size_t i = 0; i < list.size(); ++i)
    list[i] = TRY(inside(fmt::format("{}[{}]", object.path(key), i), list[i]));
  return list;
}

Result<std::map<std::string, std::string>> environment(JsonObject& object, const char* key) {
  std::map<std::string, std::string> env = TRY(object.string_map(key));
  for (const auto& [name, value] : env) {
    const std::string place = fmt::format("{}.{}", object.path(key), printable(name));
    TRY(check_text(place, name));
    TRY(check_text(place, value));
    if (name.empty() || name.find('=') != std::string::npos)
      return invalid(place, "is not a name of a variable");
  }
  return env;
}

Result<Resources> request(JsonObject& object) {
  Resources out;
  const std::int64_t cpus = TRY(number(object, "cpus", 1, 1, kMaxCpus));
  out.cpus = static_cast<unsigned>(cpus);
  out.memory = TRY(bytes(object, "memory"));
  out.disk = TRY(bytes(object, "disk"));
  return out;
}

}  // namespace

std::string clean_relative(std::string_view path) {
  std::string out;
  if (path.starts_with('/')) return out;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return {};
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

Result<JobFile> parse_job_file(std::string_view source) {
  const Json json = TRY(parse_json(source));
  JsonObject object = TRY(JsonObject::of(json, ""));
  JobFile out;
  JobDescription& job = out.description;
  job.image = TRY(object.required_string("image"));
  TRY(check_text("image", job.image));
  if (job.image.empty()) return invalid("image", "must name an image");
  job.name = TRY(text(object, "name"));
  if (job.name.size() > kMaxName) return invalid("name", fmt::format("over {} bytes", kMaxName));
  job.pull = TRY(pull_policy(object, "pull"));
  job.command = TRY(words(object, "command"));
  job.args = TRY(words(object, "args"));
  job.env = TRY(environment(object, "env"));
  job.user = TRY(text(object, "user"));
  job.workdir = TRY(text(object, "workdir"));
  job.network = TRY(network(object, "network"));
  job.hostname = TRY(text(object, "hostname"));
  job.read_only = TRY(flag(object, "read_only"));
  job.fake_root = TRY(flag(object, "fake_root"));
  out.inputs = TRY(inputs(object, "inputs"));
  job.outputs = TRY(outputs(object, "outputs"));
  job.request = TRY(request(object));
  const std::int64_t processes = TRY(number(object, "processes", 0, 1, kMaxProcesses));
  job.processes = static_cast<unsigned>(processes);
  job.cpu_time = TRY(duration(object, "cpu_time"));
  job.time_limit = TRY(duration(object, "time_limit"));
  out.priority = TRY(number(object, "priority", 0, -kMaxPriority, kMaxPriority));
  const std::int64_t retries = TRY(number(object, "retries", 0, 0, kMaxRetries));
  out.retries = static_cast<unsigned>(retries);
  TRY(object.finish());
  return out;
}

}  // namespace podpilot::agent::spool
