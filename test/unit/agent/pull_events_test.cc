// SPDX-License-Identifier: Apache-2.0
#include "agent/job/pull_events.h"

#include "agent/cli/progress.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace std::chrono_literals;

TEST_CASE("a pull's events survive their way", "[agent][pull]") {
  const PullEvent events[] = {LayerProgress{"sha256:ab", LayerState::present, 1, 2, 3},
                              PullReady{"sha256:cd", 4, 5, 6, 7ms, 8ms, 9ms}, PullOverload{5s},
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
  CHECK(std::get<PullReady>(*parse_pull_event(format_pull_event(events[1]))) ==
        std::get<PullReady>(events[1]));
}

TEST_CASE("every fault keeps its kind", "[agent][pull]") {
  for (int i = 0; i <= static_cast<int>(Fault::internal); ++i) {
    const PullFailed failed{static_cast<Fault>(i), "x"};
    CHECK(std::get<PullFailed>(*parse_pull_event(format_pull_event(failed))) == failed);
  }
}

TEST_CASE("what is no event is an error", "[agent][pull]") {
  for (const char* line :
       {"", "{", "[]", "{}", "{\"event\":\"layer\"}", "{\"event\":7}", "{\"event\":\"ready\"}",
        R"({"event":"layer","digest":"x","state":"gone","done":1,"total":1,"layers":1})",
        R"({"event":"layer","digest":"x","state":"done","done":-1,"total":1,"layers":1})",
        "{\"event\":\"failed\",\"fault\":\"x\"}"})
    CHECK_FALSE(parse_pull_event(line));
}

TEST_CASE("bars for all and for what is under way", "[agent][progress]") {
  std::map<std::string, LayerProgress> layers;
  const std::string digest = "sha256:0123456789abcdef";
  layers[digest] = {digest, LayerState::pulling, 50'000'000, 100'000'000, 4};
  layers["b"] = {"b", LayerState::done, 10, 10, 4};
  layers["c"] = {"c", LayerState::present, 10'000'000, 10'000'000, 4};
  layers["d"] = {"d", LayerState::waiting, 0, 5, 4};
  const auto lines = progress_lines("tool:1", layers, 2s, {120, 24});
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] ==
        "pulling tool:1 [=============           ] 2/4 layers, 60.0 MB of 110.0 MB, 25.0 MB/s, 2 s "
        "left");
  CHECK(lines[1] == "  sha256:0123456789ab [============            ] 50.0 MB of 100.0 MB");
  CHECK(progress_lines("tool:1", layers, 100ms, {120, 24})[0].ends_with("of 110.0 MB"));
}

TEST_CASE("bars stay within the terminal", "[agent][progress]") {
  std::map<std::string, LayerProgress> layers;
  for (int i = 0; i < 30; ++i)
    layers[std::to_string(i)] = {std::to_string(i), LayerState::pulling, 1, 2, 30};
  CHECK(progress_lines("x", layers, 2s, {120, 50}).size() == 9);
  CHECK(progress_lines("x", layers, 2s, {120, 6}).size() == 5);
  CHECK(progress_lines("x", layers, 2s, {120, 2}).size() == 1);
  for (const std::string& line : progress_lines("tool:1", layers, 2s, {20, 24}))
    CHECK(line.size() == 19);
  CHECK(progress_lines("x\x1b[31m", {}, 0s, {80, 24})[0].find('\x1b') == std::string::npos);
}

TEST_CASE("an ended pull in one line", "[agent][progress]") {
  CHECK(pull_summary("tool:1", {"sha256:x", 100'000'000, 8, 1, 100ms, 1800ms, 100ms}) ==
        "tool:1: 9 layers, 1 in the cache, 100.0 MB in 2.00 s, 50.0 MB/s (manifest 0.10 s, layers "
        "1.80 s, store 0.10 s)");
  CHECK(pull_summary("tool:1", {"sha256:x", 0, 0, 9, 20ms, 0ms, 0ms}) ==
        "tool:1: 9 layers, all in the cache (0.02 s)");
  CHECK(pull_summary("x\x1b", {"sha256:x", 1, 1, 0, 0ms, 0ms, 0ms}).find('\x1b') ==
        std::string::npos);
}
