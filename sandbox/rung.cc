// SPDX-License-Identifier: Apache-2.0
#include "sandbox/rung.h"

#include <fmt/format.h>

#include "sandbox/base/text.h"
#include "sandbox/landlock.h"

namespace podpilot::sandbox {
namespace {

struct Row {
  Rung rung;
  std::string_view name;
  Guarantees always;
  Guarantees with_scoping;
  Guarantees with_service;  // of metadata
};

using enum Guarantee;
constexpr std::array kRows = {
    Row{Rung::userns, "userns", {pids, mounts, signals, metadata, network}, {}, {}},
    Row{Rung::userns_nomount, "userns-nomount", {pids, signals}, {}, {metadata}},
    Row{Rung::transplant_setuid, "transplant-setuid", {uid, signals, metadata}, {}, {}},
    Row{Rung::transplant, "transplant", {}, {signals}, {metadata}},
};

const Row& row(Rung rung) {
  return kRows[static_cast<std::size_t>(rung)];
}

}  // namespace

std::string_view to_string(Rung rung) {
  return row(rung).name;
}

std::optional<Rung> parse_rung(std::string_view name) {
  for (const Row& candidate : kRows)
    if (candidate.name == name) return candidate.rung;
  return std::nullopt;
}

std::string_view to_string(Guarantee guarantee) {
  constexpr std::array<std::string_view, kGuarantees.size()> kNames = {
      "pids", "mounts", "uid", "signals", "metadata", "memory", "network"};
  return kNames[static_cast<std::size_t>(guarantee)];
}

std::string Guarantees::text() const {
  std::string out;
  for (const Guarantee guarantee : kGuarantees)
    if (has(guarantee)) out += fmt::format("{}{}", out.empty() ? "" : ",", to_string(guarantee));
  return out.empty() ? "none" : out;
}

Result<Guarantees> parse_guarantees(std::string_view list) {
  Guarantees out;
  if (list == "none") return out;
  for (const std::string_view word : split(list, ',')) {
    bool known = false;
    for (const Guarantee guarantee : kGuarantees) {
      if (to_string(guarantee) != word) continue;
      out.add(guarantee);
      known = true;
    }
    if (!known)
      return Error{Fault::invalid,
                   fmt::format("\"{}\": is none of pids, mounts, uid, signals, metadata, memory, "
                               "network",
                               printable(word))};
  }
  return out;
}

Guarantees guarantees_of(Rung rung, int landlock_abi, bool carries_out, bool holds_memory) {
  Guarantees out = row(rung).always;
  if (holds_memory) out.add(memory);
  for (const Guarantee guarantee : kGuarantees)
    if ((landlock_abi >= kScopingAbi && row(rung).with_scoping.has(guarantee)) ||
        (carries_out && row(rung).with_service.has(guarantee)))
      out.add(guarantee);
  return out;
}

// Without `metadata` a payload can chmod, and set times, attributes and ACLs of, what later jobs
// start from: the cache, volumes, the folders of the pod's root. `userns-nomount` is no better here
// than `transplant`: its user namespace has the pilot's kuid, and the files are the same.
bool serves_one_user(Rung rung) {
  return !row(rung).always.has(metadata);
}

}  // namespace podpilot::sandbox
