// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/doctor_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "agent/cli/wrap.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

std::string_view word(Mark mark) {
  switch (mark) {
    case Mark::good:
      return "ok";
    case Mark::bad:
      return "failed";
    case Mark::note:
      return "note";
  }
  return "note";
}

std::string line(const Finding& finding) {
  constexpr std::size_t kIndent = 27;
  return fmt::format("{:<7} {:<18} {}\n", word(finding.mark), finding.name,
                     wrap(printable(finding.detail), kIndent));
}

std::string indented(std::string_view lines, std::size_t indent) {
  std::string out;
  for (const std::string_view one : split(lines, '\n'))
    if (!one.empty()) out += fmt::format("{:{}}{}\n", "", indent, one);
  return out;
}

std::string not_promised(const Diagnosis& diagnosis) {
  constexpr std::size_t kIndent = 4;
  std::string out =
      fmt::format("This pod can run jobs of {} user: rung {}.\nNot promised there: {}.",
                  diagnosis.users, diagnosis.rung, diagnosis.lacks);
  if (!diagnosis.left_open.empty()) out += " A payload\n";
  for (const LeftOpen& item : diagnosis.left_open)
    out += fmt::format("  - {}{}", wrap(item.text, kIndent),
                       item.name == diagnosis.left_open.back().name ? "." : ";\n");
  return out;
}

std::string paragraph(const Finding& finding) {
  constexpr std::size_t kIndent = 2;
  constexpr std::size_t kCode = 6;
  const Remedy& remedy = finding.remedy;
  const bool more = !finding.gains.empty() && finding.gains != "none";
  std::string out = fmt::format("\n{}{}:\n", finding.name,
                                more ? fmt::format(" (would add {})", finding.gains) : "");
  out += fmt::format("{:{}}{}\n", "", kIndent, wrap(remedy.text, kIndent));
  if (!remedy.kubernetes.empty()) out += "    Kubernetes:\n" + indented(remedy.kubernetes, kCode);
  if (!remedy.podman.empty()) out += "    podman:\n" + indented(remedy.podman, kCode);
  if (!remedy.node.empty()) out += "    on the node:\n" + indented(remedy.node, kCode);
  return out;
}

}  // namespace

std::string as_text(const Diagnosis& diagnosis) {
  std::string out;
  for (const Finding& finding : diagnosis.findings) out += line(finding);
  out += fmt::format(
      "\n{}\n", diagnosis.rung.empty() ? "This pod cannot run jobs. What would help:"
                : !diagnosis.ready
                    ? "This pod has a sandbox for jobs, but cannot run them yet. What would help:"
                    : not_promised(diagnosis));
  std::set<std::string_view> told;
  for (const Finding& finding : diagnosis.findings)
    if (!finding.remedy.empty() && told.insert(finding.remedy.text).second)
      out += paragraph(finding);
  return out;
}

std::string as_json(const Diagnosis& diagnosis) {
  using Json = nlohmann::ordered_json;
  Json checks = Json::array();
  for (const Finding& finding : diagnosis.findings) {
    Json check = {{"name", finding.name},
                  {"result", std::string(word(finding.mark))},
                  {"detail", finding.detail},
                  {"gains", finding.gains},
                  {"remedy", nullptr}};
    const Remedy& remedy = finding.remedy;
    if (!remedy.empty())
      check["remedy"] = {{"reason", std::string(remedy.reason)},
                         {"text", remedy.text},
                         {"kubernetes", std::string(remedy.kubernetes)},
                         {"podman", std::string(remedy.podman)},
                         {"node", std::string(remedy.node)}};
    checks.push_back(std::move(check));
  }
  Json left_open = Json::array();
  for (const LeftOpen& item : diagnosis.left_open)
    left_open.push_back({{"name", std::string(item.name)}, {"text", std::string(item.text)}});
  const Json out = {{"ready", diagnosis.ready},
                    {"rung", std::string(diagnosis.rung)},
                    {"not_promised", diagnosis.lacks},
                    {"left_open", left_open},
                    {"users", std::string(diagnosis.users)},
                    {"checks", checks}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace podpilot::agent
