// SPDX-License-Identifier: Apache-2.0
// A Plan as bytes: numbers as 8 bytes in host order, strings as length and bytes, lists as count
// and items. Both ends are the same process image, so there is no version.
#include <cstring>
#include <type_traits>

#include "sandbox/plan.h"

namespace podpilot::sandbox {
namespace {

class Writer {
 public:
  void put(std::uint64_t value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes.append(raw, sizeof value);
  }
  void put(const std::string& value) {
    put(value.size());
    bytes += value;
  }
  void put(const std::optional<std::uint64_t>& value) {
    put(std::uint64_t{value.has_value()});
    put(value.value_or(0));
  }
  template <typename T>
    requires std::is_enum_v<T>
  void put(T value) {
    put(static_cast<std::uint64_t>(value));
  }
  template <typename T>
  void put(const std::vector<T>& values) {
    put(values.size());
    for (const T& value : values) put(value);
  }
  void put(const Step& step) {
    put(step.op);
    put(step.target);
    put(step.source);
    put(step.options);
    put(step.access);
    put(step.sources);
  }
  std::string bytes;
};

// Reads past the end give zeroes and set `short_`; looked at once, at the end.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  void get(std::uint64_t& value) {
    value = 0;
    if (bytes_.size() < sizeof value) {
      short_ = true;
      return;
    }
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
  }
  template <typename T>
    requires(std::is_enum_v<T> || std::is_same_v<T, std::uint32_t> || std::is_same_v<T, bool>)
  void get(T& value) {
    std::uint64_t raw = 0;
    get(raw);
    value = static_cast<T>(raw);
  }
  void get(std::string& value) {
    std::uint64_t size = 0;
    get(size);
    if (size > bytes_.size()) {
      short_ = true;
      size = 0;
    }
    value = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
  }
  void get(std::optional<std::uint64_t>& value) {
    std::uint64_t present = 0;
    std::uint64_t number = 0;
    get(present);
    get(number);
    value = present ? std::optional(number) : std::nullopt;
  }
  template <typename T>
  void get(std::vector<T>& values) {
    std::uint64_t count = 0;
    get(count);
    for (; count > 0 && !short_; --count) get(values.emplace_back());
  }
  void get(Step& step) {
    get(step.op);
    get(step.target);
    get(step.source);
    get(step.options);
    get(step.access);
    get(step.sources);
  }
  bool whole() const { return !short_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool short_ = false;
};

// The one list of fields, for both directions.
template <typename PlanType, typename Visit>
void fields(PlanType& plan, Visit&& visit) {
  visit(plan.namespaces);
  visit(plan.ids);
  visit(plan.user.uid);
  visit(plan.user.gid);
  visit(plan.user.groups);
  visit(plan.kill);
  visit(plan.own_domain);
  visit(plan.reach.read);
  visit(plan.reach.write);
  visit(plan.reach.devices);
  visit(plan.workspace);
  visit(plan.hostname);
  visit(plan.steps);
  visit(plan.argv);
  visit(plan.env);
  visit(plan.workdir);
  visit(plan.capabilities);
  visit(plan.filters);
  visit(plan.limits.open_files);
  visit(plan.limits.core_size);
  visit(plan.limits.file_size);
  visit(plan.limits.data_size);
  visit(plan.limits.processes);
  visit(plan.limits.cpu_seconds);
  visit(plan.limits.cpus);
  visit(plan.read_only_root);
  visit(plan.terminal);
}

}  // namespace

std::string serialise(const Plan& plan) {
  Writer writer;
  fields(plan, [&](const auto& field) { writer.put(field); });
  return std::move(writer.bytes);
}

Result<Plan> parse_plan(std::string_view bytes) {
  Plan plan;
  Reader reader(bytes);
  fields(plan, [&](auto& field) { reader.get(field); });
  if (!reader.whole()) return Error{Fault::internal, "a plan that was cut on its way"};
  return plan;
}

}  // namespace podpilot::sandbox
