// SPDX-License-Identifier: Apache-2.0
#include "agent/job/pull_events.h"

#include "agent/cli/progress.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;

TEST_CASE("a pull's events survive their way", "[agent][pull]") {
  const PullEvent events[] = {LayerProgress{"sha256:ab", 1, 2, 3}, PullReady{"sha256:cd"},
                              PullFailed{Fault::corrupt, "layer 1/2: \"quoted\"\nand \xff"}};
  for (const PullEvent& event : events) {
    const std::string line = format_pull_event(event);
    CHECK(line.find('\n') == line.size() - 1);
    const Result<PullEvent> back = parse_pull_event(line);
    REQUIRE(back);
    CHECK(back->index() == event.index());
  }
  CHECK(std::get<LayerProgress>(*parse_pull_event(format_pull_event(events[0]))) ==
        std::get<LayerProgress>(events[0]));
}

TEST_CASE("every fault keeps its kind", "[agent][pull]") {
  for (int i = 0; i <= static_cast<int>(Fault::internal); ++i) {
    const PullFailed failed{static_cast<Fault>(i), "x"};
    CHECK(std::get<PullFailed>(*parse_pull_event(format_pull_event(failed))) == failed);
  }
}

TEST_CASE("what is no event is an error", "[agent][pull]") {
  for (const char* line : {"", "{", "[]", "{}", "{\"event\":\"layer\"}", "{\"event\":7}",
                           "{\"event\":\"ready\"}", "{\"event\":\"failed\",\"fault\":\"x\"}"})
    CHECK_FALSE(parse_pull_event(line));
}

TEST_CASE("the progress line fits the terminal", "[agent][progress]") {
  std::map<std::string, LayerProgress> layers;
  layers["a"] = {"a", 50'000'000, 100'000'000, 3};
  layers["b"] = {"b", 10, 10, 3};
  const std::string text = progress_text("tool:1", layers, std::chrono::seconds(2), 120);
  CHECK(text ==
        "pulling tool:1 [============            ] 1/3 layers, 50.0 MB of 100.0 MB, 25.0 MB/s");
  CHECK(progress_text("tool:1", layers, std::chrono::seconds(2), 20).size() == 19);
  CHECK(progress_text("x\x1b[31m", {}, std::chrono::seconds(0), 80).find('\x1b') ==
        std::string::npos);
}
