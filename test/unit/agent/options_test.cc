// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/options.h"

#include <cstdlib>

#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;

namespace {

Result<Options> parse(const char* command, std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  return Options::parse(*find_command(command), pointers);
}

}  // namespace

TEST_CASE("what follows IMAGE is the payload's", "[agent][options]") {
  using Words = std::vector<std::string>;
  const std::pair<Words, Words> rows[] = {
      {{"img"}, {"img"}},
      {{"img", "--", "ls", "-l"}, {"img", "ls", "-l"}},
      {{"img", "ls", "-l", "--cache", "x"}, {"img", "ls", "-l", "--cache", "x"}},
      {{"img", "ls", "--", "-l"}, {"img", "ls", "--", "-l"}},
      {{"--", "img", "--", "--", "a"}, {"img", "--", "a"}},
      {{"-t", "--cache", "/c", "img", "-h"}, {"img", "-h"}},
      {{"--cache=/c", "img", "a,b", ""}, {"img", "a,b", ""}},
      {{"-e", "A=1,2", "-e", "B=3", "img"}, {"img"}},
  };
  for (const auto& [words, arguments] : rows) {
    const Result<Options> options = parse("run", words);
    REQUIRE(options);
    CHECK(options->arguments() == arguments);
  }
}

TEST_CASE("values are never split at commas", "[agent][options]") {
  const Result<Options> options = parse("run", {"-e", "A=1,2", "-e", "B=3", "img"});
  REQUIRE(options);
  CHECK(options->texts("env") == std::vector<std::string>{"A=1,2", "B=3"});
}

TEST_CASE("a flag counts over the environment, that over the default", "[agent][options]") {
  ::setenv("PODPILOT_TIME_LIMIT", "5s", 1);
  ::setenv("PODPILOT_PULL", "never", 1);
  CHECK(parse("run", {"img"})->duration("time-limit").value() == std::chrono::seconds(5));
  CHECK(parse("run", {"--time-limit", "1m", "img"})->duration("time-limit").value() ==
        std::chrono::minutes(1));
  CHECK(parse("run", {"img"})->text("pull") == "never");
  ::unsetenv("PODPILOT_TIME_LIMIT");
  ::unsetenv("PODPILOT_PULL");
  CHECK(parse("run", {"img"})->text("pull") == "missing");
  CHECK_FALSE(parse("run", {"img"})->has("time-limit"));
}

TEST_CASE("a pilot knows the variables of OSPool's", "[agent][options]") {
  struct Row {
    const char* variable;
    const char* value;
    const char* option;
    const char* want;
  };
  const Row rows[] = {
      {"CONDOR_HOST", "cm.example.org,cm2.example.org:9619", "scheduler",
       "htcondor://cm.example.org,cm2.example.org:9619"},
      {"POOL", "cm.example.org", "scheduler", "htcondor://cm.example.org"},
      {"GLIDEIN_Site", "Nebraska", "site", "Nebraska"},
      {"GLIDEIN_ResourceName", "Red-k8s", "resource-name", "Red-k8s"},
      {"GLIDEIN_Start_Extra", "TARGET.ProjectName == \"x\"", "start",
       "TARGET.ProjectName == \"x\""},
      {"NUM_CPUS", "4", "cpus", "4"},
      {"MEMORY", "2048", "memory", "2048MiB"},
      {"ACCEPT_JOBS_FOR_HOURS", "336", "accept-for", "336h"},
      {"ACCEPT_IDLE_MINUTES", "30", "idle-exit", "30m"},
      {"RETIREMENT_HOURS", "24", "retirement", "24h"},
      {"APPTAINER_REGISTRY_MIRROR", "hub.example.org/cache", "registry-mirror",
       "hub.example.org/cache"},
  };
  for (const Row& row : rows) {
    const std::string flag = std::string("--") + row.option;
    std::string ours = "PODPILOT_";
    for (const char* c = row.option; *c; ++c)
      ours += *c == '-' ? '_' : static_cast<char>(std::toupper(*c));
    ::setenv(row.variable, row.value, 1);
    CHECK(parse("pilot", {})->text(row.option) == row.want);
    ::setenv(ours.c_str(), "of ours", 1);
    CHECK(parse("pilot", {})->text(row.option) == "of ours");
    CHECK(parse("pilot", {flag, "flag"})->text(row.option) == "flag");
    ::unsetenv(ours.c_str());
    CHECK(parse("run", {"img"})->text(row.option) != row.want);
    ::unsetenv(row.variable);
    CHECK_FALSE(parse("pilot", {})->has(row.option));
  }
  ::setenv("MEMORY", "2Gi", 1);
  CHECK(parse("pilot", {}).error().text.starts_with("MEMORY \"2Gi\""));
  CHECK(parse("pilot", {"--memory", "2GiB"})->text("memory") == "2GiB");
  ::unsetenv("MEMORY");
}

TEST_CASE("variables of OSPool's with several values, and switches", "[agent][options]") {
  using Words = std::vector<std::string>;
  ::setenv("SINGULARITY_BIND_EXTRA", "/cvmfs,/data:/data:ro", 1);
  CHECK(parse("pilot", {})->texts("bind") == Words{"/cvmfs", "/data:/data:ro"});
  CHECK(parse("pilot", {"--bind", "/other"})->texts("bind") == Words{"/other"});
  CHECK(parse("run", {"img"})->texts("bind").empty());
  ::unsetenv("SINGULARITY_BIND_EXTRA");

  ::setenv("EXTRA_JOB_ENV", "A=1 B='two words'", 1);
  CHECK(parse("pilot", {})->texts("env") == Words{"A=1", "B=two words"});
  CHECK(parse("run", {"img"})->texts("env").empty());
  ::setenv("EXTRA_JOB_ENV", "A='1", 1);
  CHECK(parse("pilot", {}).error().text.starts_with("EXTRA_JOB_ENV: "));
  ::unsetenv("EXTRA_JOB_ENV");

  for (const auto& [value, set] : {std::pair("true", true),
                                   {"Yes", true},
                                   {"1", true},
                                   {"false", false},
                                   {"off", false},
                                   {"0", false}}) {
    ::setenv("GLIDEIN_RANDOMIZE_NAME", value, 1);
    CHECK(parse("pilot", {})->has("randomize-name") == set);
  }
  ::setenv("GLIDEIN_RANDOMIZE_NAME", "perhaps", 1);
  CHECK(parse("pilot", {}).error().text ==
        "GLIDEIN_RANDOMIZE_NAME \"perhaps\": must be true or false");
  ::unsetenv("GLIDEIN_RANDOMIZE_NAME");
}

TEST_CASE("bad options are named", "[agent][options]") {
  CHECK(parse("run", {"--nope", "img"}).error().text.find("nope") != std::string::npos);
  CHECK(parse("pilot", {"--entrypoint", "x"}).error().fault == Fault::invalid);
  CHECK(parse("pilot", {"--jobs"}).error().fault == Fault::invalid);
  CHECK(parse("pilot", {"--jobs", "two"})->number("jobs").error().text ==
        "--jobs \"two\": must be a whole number");
  CHECK(parse("pilot", {"--memory", "2Gb"})->bytes("memory").error().fault == Fault::invalid);
}

TEST_CASE("help knows every command and every option of it", "[agent][options]") {
  for (const CommandText& command : commands()) {
    const std::string help = command_help(command);
    CHECK(help.find("--help") != std::string::npos);
    CHECK(help.find("Examples:") != std::string::npos);
    CHECK(program_help().find(std::string(command.name)) != std::string::npos);
    std::string line;
    for (const char c : help) {
      if (c != '\n') {
        line += c;
        continue;
      }
      CHECK(line.size() <= 100);
      line.clear();
    }
  }
}
