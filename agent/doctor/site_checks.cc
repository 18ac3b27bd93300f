// SPDX-License-Identifier: Apache-2.0
#include "agent/doctor/site_checks.h"

#include <fmt/format.h>
#include <unistd.h>

#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

using std::chrono::system_clock;

// A certificate's or token's leeway is rarely more.
constexpr std::chrono::minutes kMaxSkew{5};

std::string date_of(system_clock::time_point time) {
  const std::time_t seconds = system_clock::to_time_t(time);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{}-{:02}-{:02} {:02}:{:02}:{:02} UTC", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace

Finding judge_resolver(const Result<std::string>& text) {
  const char* name = "resolver";
  if (!text) return {name, Mark::note, text.error().text, remedy_of(Reason::resolver)};
  std::string servers;
  std::string search;
  for (const std::string_view line : split(*text, '\n')) {
    std::string_view rest = line;
    const auto value = [&](std::string_view key) -> std::string_view {
      if (!rest.starts_with(key) || rest.size() <= key.size() || rest[key.size()] > ' ') return "";
      const std::size_t at = rest.find_first_not_of(" \t", key.size());
      return at == rest.npos ? "" : rest.substr(at);
    };
    if (const std::string_view server = value("nameserver"); !server.empty())
      servers += fmt::format("{}{}", servers.empty() ? "" : ", ", server);
    if (const std::string_view domains = value("search"); !domains.empty()) search = domains;
  }
  if (servers.empty())
    return {name, Mark::note, "/etc/resolv.conf names no server", remedy_of(Reason::resolver)};
  return {name, Mark::good,
          fmt::format("name server {}{}", servers, search.empty() ? "" : ", searches " + search)};
}

Finding judge_trust(const oci::http::Trust& trust) {
  const char* name = "authorities";
  const std::size_t count = trust.certificates();
  if (count == 0)
    return {name, Mark::bad, trust.source + ": there are no certificates in it",
            remedy_of(Reason::authorities)};
  if (trust.built_in)
    return {name, Mark::good, fmt::format("{} built in, as of this podpilot's build", count)};
  return {name, Mark::good, fmt::format("{}: {}", trust.source, count)};
}

Finding judge_clock(system_clock::time_point now,
                    std::optional<system_clock::time_point> reference) {
  using namespace std::chrono_literals;
  const char* name = "clock";
  if (reference) {
    const auto skew = std::chrono::duration_cast<std::chrono::seconds>(now - *reference);
    const bool off = std::chrono::abs(skew) > kMaxSkew;
    const std::string seen =
        fmt::format("{}, {} s {} the registry's", date_of(now), std::chrono::abs(skew).count(),
                    skew.count() < 0 ? "behind" : "ahead of");
    return {name, off ? Mark::bad : Mark::good, seen, off ? remedy_of(Reason::clock) : Remedy{}};
  }
  // podpilot is no older, and clocks that were never set begin in 1970.
  constexpr std::chrono::sys_days kEarliest = std::chrono::year(2025) / 1 / 1;
  constexpr std::chrono::sys_days kLatest = std::chrono::year(2100) / 1 / 1;
  if (now < kEarliest || now > kLatest)
    return {name, Mark::bad, date_of(now) + ", which cannot be", remedy_of(Reason::clock)};
  return {name, Mark::good, date_of(now)};
}

Finding judge_identity(const PodFacts& facts) {
  std::string seen =
      fmt::format("uid {}, gid {}, capabilities {:#x}, {}", ::geteuid(), ::getegid(),
                  facts.capabilities, facts.seccomp ? "a seccomp filter" : "no seccomp filter");
  if (!facts.lsm_label.empty()) seen += ", label " + facts.lsm_label;
  return {"identity", Mark::good, seen};
}

}  // namespace podpilot::agent
