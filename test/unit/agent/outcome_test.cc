// SPDX-License-Identifier: Apache-2.0
#include "agent/job/outcome.h"

#include <fmt/format.h>

#include <set>

#include "sandbox/base/io.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;

namespace {

constexpr Origin kOrigins[] = {Origin::payload, Origin::image,   Origin::site,
                               Origin::pilot,   Origin::network, Origin::scheduler};

}  // namespace

TEST_CASE("every origin and fault has a row with a slug and an exit code", "[agent][outcome]") {
  for (const Origin origin : kOrigins)
    for (int fault = 0; fault <= static_cast<int>(Fault::internal); ++fault) {
      const Judgement& judgement = judge(origin, static_cast<Fault>(fault));
      CHECK_FALSE(judgement.slug.empty());
      CHECK_FALSE(judgement.remedy.empty());
      CHECK(judgement.exit_code >= 124);
      CHECK(judgement_of(judgement.slug).slug == judgement.slug);
    }
}

TEST_CASE("README names every slug", "[agent][outcome]") {
  const Result<std::string> readme = read_file(PODPILOT_TEST_SOURCE_DIR "/../README.md", 1 << 20);
  REQUIRE(readme);
  std::set<std::string_view> slugs;
  for (const Origin origin : kOrigins)
    for (int fault = 0; fault <= static_cast<int>(Fault::internal); ++fault)
      slugs.insert(judge(origin, static_cast<Fault>(fault)).slug);
  for (const Excess excess : {Excess::memory, Excess::disk, Excess::cpu_time, Excess::processes})
    slugs.insert(judgement_of(failure(excess, "").slug).slug);
  for (const std::string_view slug : slugs) {
    INFO(slug);
    CHECK(readme->find(fmt::format("`{}`", slug)) != std::string::npos);
  }
}

TEST_CASE("slugs that scripts rely on", "[agent][outcome]") {
  struct Row {
    Origin origin;
    Fault fault;
    const char* slug;
    Verdict verdict;
    int exit_code;
  };
  const Row rows[] = {
      {Origin::image, Fault::not_found, "image-not-found", Verdict::failed, 125},
      {Origin::image, Fault::denied, "image-denied", Verdict::failed, 125},
      {Origin::image, Fault::corrupt, "image-corrupt", Verdict::failed, 125},
      {Origin::image, Fault::invalid, "image-invalid", Verdict::failed, 125},
      {Origin::image, Fault::unsupported, "image-unsupported", Verdict::failed, 125},
      {Origin::network, Fault::transient, "registry-unavailable", Verdict::requeue, 125},
      {Origin::site, Fault::exhausted, "cache-full", Verdict::requeue, 125},
      {Origin::site, Fault::unsupported, "sandbox-unavailable", Verdict::requeue, 125},
      {Origin::site, Fault::transient, "sandbox-killed", Verdict::requeue, 125},
      {Origin::payload, Fault::not_found, "payload-not-found", Verdict::failed, 127},
      {Origin::payload, Fault::denied, "payload-not-executable", Verdict::failed, 126},
      {Origin::payload, Fault::transient, "payload-over-time", Verdict::failed, 124},
      {Origin::payload, Fault::internal, "payload-stopped", Verdict::requeue, 125},
      {Origin::scheduler, Fault::invalid, "job-invalid", Verdict::failed, 125},
      {Origin::pilot, Fault::internal, "pilot-fault", Verdict::requeue, 125},
  };
  for (const Row& row : rows) {
    const Judgement& judgement = judge(row.origin, row.fault);
    CHECK(judgement.slug == row.slug);
    CHECK(judgement.verdict == row.verdict);
    CHECK(judgement.exit_code == row.exit_code);
  }
}

TEST_CASE("each limit has a slug of its own", "[agent][outcome]") {
  const std::pair<Excess, const char*> rows[] = {{Excess::memory, "payload-over-memory"},
                                                 {Excess::disk, "payload-over-disk"},
                                                 {Excess::cpu_time, "payload-over-cpu-time"},
                                                 {Excess::processes, "payload-over-processes"}};
  for (const auto& [excess, slug] : rows) {
    const Outcome outcome = failure(excess, "too much");
    CHECK(outcome.slug == slug);
    CHECK(outcome.text == "too much");
    CHECK(outcome.verdict == Verdict::failed);
    CHECK(outcome.origin == Origin::payload);
    CHECK(judgement_of(slug).slug == slug);
    CHECK(judgement_of(slug).exit_code == 137);
  }
}

TEST_CASE("a pull's failure is blamed on who can mend it", "[agent][outcome]") {
  CHECK(origin_of_pull(Fault::transient) == Origin::network);
  CHECK(origin_of_pull(Fault::exhausted) == Origin::site);
  CHECK(origin_of_pull(Fault::corrupt) == Origin::image);
  CHECK(origin_of_pull(Fault::not_found) == Origin::image);
  CHECK(origin_of_pull(Fault::internal) == Origin::pilot);
}

TEST_CASE("a failure keeps the error's text", "[agent][outcome]") {
  const Outcome outcome = failure(Origin::image, {Fault::corrupt, "layer 3: 17 bytes short"});
  CHECK(outcome.slug == "image-corrupt");
  CHECK(outcome.text == "layer 3: 17 bytes short");
  CHECK_FALSE(outcome.exit.has_value());
}
