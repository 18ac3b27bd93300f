// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/slot/platform.h"

#include <fmt/format.h>

#include <map>
#include <string>

#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

using Fields = std::map<std::string, std::string, std::less<>>;

// os-release(5): shell assignments, values in quotes or not.
Fields parse_os_release(std::string_view text) {
  Fields fields;
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || line[0] == '#') continue;
    std::string_view value = line.substr(equals + 1);
    if (value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0])
      value = value.substr(1, value.size() - 2);
    std::string plain;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i] == '\\' && i + 1 < value.size()) ++i;
      plain += value[i];
    }
    fields[std::string(line.substr(0, equals))] = printable(plain);
  }
  return fields;
}

// condor_sysapi/arch.cpp writes them so; jobs' requirements compare with its names.
std::string distribution_name(const std::string& id) {
  static const std::map<std::string, std::string, std::less<>> names = {
      {"almalinux", "AlmaLinux"},
      {"amzn", "AmazonLinux"},
      {"centos", "CentOS"},
      {"debian", "Debian"},
      {"fedora", "Fedora"},
      {"opensuse-leap", "openSUSE"},
      {"rhel", "RedHat"},
      {"rocky", "Rocky"},
      {"sles", "SUSE"},
      {"ubuntu", "Ubuntu"},
      {"opensuse-tumbleweed", "openSUSE"},
  };
  const auto known = names.find(id);
  return known == names.end() ? id : known->second;
}

}  // namespace

void set_platform(Ad& ad, std::string_view arch, std::string_view kernel_release,
                  std::string_view os_release) {
  const std::string_view name = arch == "x86_64" ? "X86_64" : arch;
  ad.set("Arch", name);
  ad.set("OpSys", "LINUX");
  ad.set("OpSysLegacy", "LINUX");
  ad.set("UtsnameMachine", arch);
  ad.set("UtsnameSysname", "Linux");
  ad.set("UtsnameRelease", kernel_release);

  const Fields fields = parse_os_release(os_release);
  const auto field = [&](std::string_view key) {
    const auto found = fields.find(key);
    return found == fields.end() ? std::string() : found->second;
  };
  std::string platform = "Linux";
  if (const std::string distribution = distribution_name(field("ID")); !distribution.empty()) {
    platform = distribution;
    ad.set("OpSysName", distribution);
    ad.set("OpSysShortName", distribution);
    ad.set("OpSysLongName", field("PRETTY_NAME").empty() ? distribution : field("PRETTY_NAME"));
    const std::string version = field("VERSION_ID");
    const auto parts = split(version, '.');
    const auto major = parse_number(parts[0]);
    const auto minor = parts.size() > 1 ? parse_number(parts[1]) : 0;
    if (major && minor && *major < 10'000 && *minor < 100) {
      platform = fmt::format("{}_{}", distribution, *major);
      ad.set("OpSysAndVer", fmt::format("{}{}", distribution, *major));
      ad.set("OpSysMajorVer", *major);
      ad.set("OpSysVer", *major * 100 + *minor);
    }
  }
  ad.set("CondorPlatform", fmt::format("$CondorPlatform: {}-{} $", name, platform));
}

}  // namespace podpilot::agent::htcondor
