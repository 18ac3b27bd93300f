// SPDX-License-Identifier: Apache-2.0
#include "agent/doctor/left_open.h"

#include <cstdlib>
#include <set>
#include <string>

#include "sandbox/base/io.h"
#include "sandbox/base/text.h"
#include "sandbox/landlock.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;
using sandbox::kScopingAbi;
using sandbox::Rung;

namespace {

std::string names(const Standing& standing) {
  std::string out;
  for (const LeftOpen& item : left_open(standing))
    out += (out.empty() ? "" : " ") + std::string(item.name);
  return out;
}

}  // namespace

TEST_CASE("what a pod leaves open follows from its rung, kernel and /proc", "[agent][doctor]") {
  Standing pod{.rung = Rung::userns, .landlock_abi = kScopingAbi, .carries_out = true};
  CHECK(names(pod).empty());
  pod.root_pilot = true;
  CHECK(names(pod).empty());
  pod.masked_proc = true;
  CHECK(names(pod) == "pulls pull-descriptors proc-numbers");
  pod.root_pilot = false;
  CHECK(names(pod) == "pulls proc-numbers");
  pod.rung = Rung::userns_nomount;
  CHECK(names(pod) == "processes paths socket-paths watches proc-numbers");
  pod.rung = Rung::transplant_setuid;
  CHECK(names(pod) == "volume-times processes paths socket-paths watches");
  pod.rung = Rung::transplant;
  CHECK(names(pod) == "processes paths socket-paths watches");
  pod.carries_out = false;
  CHECK(names(pod) == "metadata processes paths socket-paths watches placement");
  pod.landlock_abi = kScopingAbi - 1;
  CHECK(names(pod) == "signals metadata processes paths socket-paths watches placement debuggers");
  pod.rung = Rung::transplant_setuid;
  CHECK(names(pod) == "volume-times processes paths socket-paths watches");
}

TEST_CASE("the tests of pods know every item, and no other", "[agent][doctor]") {
  std::set<std::string, std::less<>> known;
  for (const Rung rung : sandbox::kLadder)
    for (const bool carries_out : {false, true})
      for (const LeftOpen& item : left_open({.rung = rung,
                                             .carries_out = carries_out,
                                             .masked_proc = true,
                                             .root_pilot = true})) {
        known.emplace(item.name);
        CHECK_FALSE(item.text.ends_with('.'));
      }
  const char* source = std::getenv("PODPILOT_SOURCE");
  const std::string table =
      read_file((source ? std::string(source) : ".") + "/test/pods/left_open.tsv", 1 << 20).value();
  std::set<std::string, std::less<>> tested;
  for (const std::string_view line : split(table, '\n'))
    if (!line.empty() && line[0] != '#') tested.emplace(line.substr(0, line.find('|')));
  CHECK(known == tested);
}
