// SPDX-License-Identifier: Apache-2.0
#include "agent/metrics/metrics.h"

#include "agent/metrics/server.h"
#include "test/catch.h"

namespace podpilot::agent {
namespace {

using namespace std::chrono_literals;

JobRecord ended(Verdict verdict, std::optional<Origin> origin, std::chrono::milliseconds run) {
  JobRecord job;
  job.outcome.verdict = verdict;
  job.outcome.origin = origin;
  job.outcome.times.run = run;
  job.whole = 10s;
  return job;
}

JobRecord released(std::chrono::milliseconds run) {
  JobRecord job = ended(Verdict::failed, Origin::payload, run);
  job.released = true;
  return job;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).contains("\n" + line + "\n");
}

}  // namespace

TEST_CASE("a job's time goes to what became of it", "[metrics]") {
  struct Row {
    JobRecord job;
    Spent kind;
    Clock::duration of_kind;
    Clock::duration overhead;
  };
  const Row rows[] = {
      {ended(Verdict::done, std::nullopt, 7s), Spent::goodput, 7s, 3s},
      {ended(Verdict::failed, Origin::payload, 4s), Spent::preemption, 4s, 6s},
      {ended(Verdict::requeue, Origin::payload, 4s), Spent::preemption, 4s, 6s},
      {ended(Verdict::failed, Origin::image, 0s), Spent::misconfiguration, 10s, 0s},
      {ended(Verdict::requeue, Origin::network, 0s), Spent::misconfiguration, 10s, 0s},
      {ended(Verdict::requeue, Origin::site, 2s), Spent::misconfiguration, 10s, 0s},
      {released(9s), Spent::preemption, 9s, 1s},
      {ended(Verdict::done, std::nullopt, 11s), Spent::goodput, 10s, 0s},  // clocks that disagree
  };
  for (const Row& row : rows) {
    const auto spent = spent_on(row.job);
    Clock::duration all{};
    for (const Clock::duration one : spent) all += one;
    CAPTURE(&row - rows);
    CHECK(spent.at(std::to_underlying(row.kind)) == row.of_kind);
    CHECK(spent.at(std::to_underlying(Spent::overhead)) == row.overhead);
    CHECK(all == row.job.whole);
  }
}

TEST_CASE("metrics count jobs, images and cores", "[metrics]") {
  Metrics metrics({{"version", "1"}, {"rung", "userns"}});
  JobRecord good = ended(Verdict::done, std::nullopt, 4s);
  good.cpus = 2;
  good.pull = PullReady{.manifest = "sha256:0",
                        .bytes = 1000,
                        .pulled = 2,
                        .present = 1,
                        .asking = 10ms,
                        .layers = 2s,
                        .finishing = 1ms};
  metrics.job_ended(good);
  JobRecord cached = ended(Verdict::done, std::nullopt, 1s);
  cached.image_size = 5000;
  metrics.job_ended(cached);
  JobRecord eater = ended(Verdict::failed, Origin::payload, 1s);
  eater.outcome.slug = "payload-over-memory";
  metrics.job_ended(eater);
  metrics.cache_removed(2, 500);
  metrics.cache_removed(1, 400);

  PilotFigures pilot;
  pilot.offer.capacity = 4;
  pilot.offer.claims = 3;
  pilot.busy = 2;
  const std::string text = metrics.text(pilot, CacheFigures{.used = 7, .free = 8});
  for (
      const char* line : {
          R"(podpilot_jobs_total{outcome="done",origin="payload",reason="exit"} 2)",
          R"(podpilot_jobs_total{outcome="failed",origin="payload",reason="payload-over-memory"} 1)",
          R"(podpilot_core_seconds_total{spent="goodput"} 9)",
          R"(podpilot_core_seconds_total{spent="preemption"} 1)",
          R"(podpilot_core_seconds_total{spent="overhead"} 30)",
          R"(podpilot_images_total{result="pulled"} 1)",
          R"(podpilot_images_total{result="present"} 1)",
          R"(podpilot_image_pulled_bytes_total 1000)",
          R"(podpilot_image_saved_bytes_total 5000)",
          R"(podpilot_image_layers_total{result="present"} 1)",
          R"(podpilot_image_pull_seconds_bucket{phase="layers",le="1"} 0)",
          R"(podpilot_image_pull_seconds_bucket{phase="layers",le="3"} 1)",
          R"(podpilot_image_pull_seconds_sum{phase="layers"} 2)",
          R"(podpilot_cache_bytes 7)",
          R"(podpilot_cache_removed_images_total 3)",
          R"(podpilot_cache_removed_bytes_total 900)",
          R"(podpilot_slots{state="free"} 1)",
          R"(podpilot_slots{state="claimed"} 1)",
          R"(podpilot_slots{state="busy"} 2)",
      }) {
    CAPTURE(line);
    CHECK(has_line(text, line));
  }
}

TEST_CASE("a label's value is escaped", "[metrics]") {
  Exposition out;
  out.family("x", Exposition::Type::gauge, "What.").sample(1, {{"name", "a\"b\\c\nd"}});
  CHECK(has_line(out.text(), R"(x{name="a\"b\\c\nd"} 1)"));
}

TEST_CASE("where to listen", "[metrics]") {
  struct Row {
    const char* text;
    std::optional<ListenAddress> address;
  };
  const Row rows[] = {
      {"127.0.0.1:9464", ListenAddress{"127.0.0.1", 9464}},
      {"[::1]:80", ListenAddress{"::1", 80}},
      {":0", ListenAddress{"", 0}},
      {"9464", std::nullopt},
      {"localhost:9464", std::nullopt},
      {"127.0.0.1:", std::nullopt},
      {"127.0.0.1:99999", std::nullopt},
      {"127.0.0.1:80x", std::nullopt},
      {"::1:80", std::nullopt},
      {"[]:80", std::nullopt},
      {"[127.0.0.1]:80", std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto address = parse_listen_address(row.text);
    CHECK(address.has_value() == row.address.has_value());
    if (address && row.address) CHECK(*address == *row.address);
  }
}

TEST_CASE("pages of probes", "[metrics]") {
  const Clock::time_point now = Clock::now();
  Snapshot snapshot{.checks = {{"accepting", ""}, {"scheduler", "nobody answers"}},
                    .metrics = "x 1\n",
                    .taken = now - 2s};
  CHECK(page("/livez", snapshot, now).status == 200);
  CHECK(page("/livez", snapshot, now).body == "the loop turned 2.0 s ago\n");
  CHECK(page("/livez", snapshot, now + kHung).status == 503);
  CHECK(page("/readyz", snapshot, now).status == 503);
  CHECK(page("/readyz", snapshot, now).body == "[+]accepting ok\n[-]scheduler: nobody answers\n");
  snapshot.checks.pop_back();
  CHECK(page("/readyz", snapshot, now).status == 200);
  CHECK(page("/metrics", snapshot, now).body == "x 1\n");
  CHECK(page("/metrics/", snapshot, now).status == 404);
  CHECK(page("/", snapshot, now).status == 404);
}

}  // namespace podpilot::agent
