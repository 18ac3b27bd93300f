// SPDX-License-Identifier: Apache-2.0
// A spool in memory with two pilots at it, for the tests of its protocol.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "agent/scheduler/spool/attempt.h"
#include "agent/scheduler/spool/listing.h"
#include "agent/scheduler/spool/policy.h"
#include "agent/scheduler/spool/submission.h"
#include "agent/scheduler/spool/watcher.h"
#include "test/catch.h"
#include "test/support/temp_dir.h"

namespace podpilot::agent::spool {

using podpilot::test::TempDir;
using std::chrono::seconds;

inline const Resources kPod{.cpus = 4, .memory = 8ULL << 30, .disk = 0};
inline const Offer kOffer{.total = kPod,
                          .free = kPod,
                          .capacity = 1,
                          .claims = 0,
                          .draining = false,
                          .prepares = false,
                          .tenancy = {},
                          .unfit_images = {},
                          .attributes = {}};
inline const Clock::time_point kStart{seconds(100'000)};

struct Pilot {
  Pilot(const Folder& spool, std::uint64_t number)
      : folder(spool), id(number), watcher(spool, number, "pilot-" + std::to_string(number)) {}

  std::optional<Taken> take(Clock::time_point now = kStart, Resources free = kPod) {
    Offer offer = kOffer;
    offer.free = free;
    auto found = watcher.take(offer, now);
    REQUIRE(found);
    return std::move(found->taken);
  }
  // Looks every 5 s, as a pilot does.
  void watch(Clock::time_point from, seconds how_long) {
    for (seconds at{0}; at <= how_long; at += kRenew) REQUIRE(watcher.judge_leases(from + at));
  }
  Published publish(const Taken& taken, int code = 0) {
    AttemptResult result;
    result.outcome.exit = ExitStatus{.code = code};
    result.pilot = "pilot-" + std::to_string(id);
    const auto published = spool::publish(folder, taken.ticket, taken.job->retries, result);
    REQUIRE(published);
    return *published;
  }

  const Folder& folder;
  std::uint64_t id;
  Watcher watcher;
};

struct Spool {
  TempDir dir{test::in_memory()};
  Folder folder = *Folder::open(dir / "spool", Create::yes);
  Pilot a{folder, 0xa};
  Pilot b{folder, 0xb};

  std::string submit(const std::string& more = "") const {
    const auto id = spool::submit(folder, R"({"image": "busybox")" + more + "}", dir.path());
    REQUIRE(id);
    return *id;
  }
  Json show(const std::string& id) const {
    const auto jobs = list_jobs(folder, {id});
    REQUIRE(jobs);
    REQUIRE(jobs->size() == 1);
    return jobs->front();
  }
  std::string state(const std::string& id) const { return show(id)["state"]; }
  std::size_t count(State state) const { return folder.list(state)->size(); }
  std::string job_path(const std::string& id, const std::string& name) const {
    return "spool/v1/jobs/" + id + "/" + name;
  }
};

}  // namespace podpilot::agent::spool
