// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/job_file.h"

#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace podpilot::agent::spool;

TEST_CASE("a job file with everything in it", "[spool][job_file]") {
  const auto job = parse_job_file(R"({
    "name": "hello", "image": "docker://alpine:3.20", "pull": "always",
    "command": ["sh", "-c"], "args": ["echo a,b"], "env": {"A": "1", "B": ""},
    "user": "1000", "workdir": "/tmp",
    "network": "none", "hostname": "node1", "read_only": true, "fake_root": true,
    "inputs": ["data/in.txt", {"source": "/abs/tree/", "target": "./t//x"}],
    "outputs": ["out/", "a.txt"], "cpus": 2, "memory": "2GiB", "disk": 1000,
    "time_limit": "90s", "cpu_time": "5m", "processes": 64, "priority": -3, "retries": 5})");
  REQUIRE(job);
  const JobDescription& d = job->description;
  CHECK(d.name == "hello");
  CHECK(d.image == "docker://alpine:3.20");
  CHECK(d.pull == PullPolicy::always);
  CHECK(d.command == std::vector<std::string>{"sh", "-c"});
  CHECK(d.args == std::vector<std::string>{"echo a,b"});
  CHECK(d.env == std::map<std::string, std::string>{{"A", "1"}, {"B", ""}});
  CHECK(d.user == "1000");
  CHECK(d.workdir == "/tmp");
  CHECK(d.network == sandbox::Network::none);
  CHECK(d.hostname == "node1");
  CHECK(d.read_only);
  CHECK(d.fake_root);
  CHECK(job->inputs == std::vector<Input>{{"data/in.txt", "in.txt"}, {"/abs/tree/", "t/x"}});
  CHECK(d.outputs == std::vector<std::string>{"out", "a.txt"});
  CHECK(d.request == Resources{.cpus = 2, .memory = 2ULL << 30, .disk = 1000});
  CHECK(d.time_limit == std::chrono::seconds(90));
  CHECK(d.cpu_time == std::chrono::minutes(5));
  CHECK(d.processes == 64);
  CHECK(job->priority == -3);
  CHECK(job->retries == 5);
}

TEST_CASE("an image is all that a job needs", "[spool][job_file]") {
  const auto job = parse_job_file(R"({"image": "busybox"})");
  REQUIRE(job);
  CHECK(job->description.request == Resources{.cpus = 1});
  CHECK_FALSE(job->description.time_limit);
  CHECK_FALSE(job->description.cpu_time);
  CHECK(job->description.processes == 0);
  CHECK(job->retries == 0);
  CHECK(job->description.network == sandbox::Network::host);
  CHECK_FALSE(job->description.read_only);
  CHECK_FALSE(job->description.fake_root);
}

TEST_CASE("errors in a job file name the place", "[spool][job_file]") {
  struct Row {
    const char* text;
    const char* error;
  };
  const std::vector<Row> rows = {
      {"", "not JSON at line 1 column 0"},
      {"[]", "must be an object"},
      {"{}", "image: is missing"},
      {R"({"image": 1})", "image: must be a string"},
      {R"({"image": ""})", "image: must name an image"},
      {R"({"image": "a\u0000b"})", "image: must not hold a NUL byte"},
      {R"({"image": "a", "image": "b"})", "\"image\" stands twice in one object"},
      {R"({"image": "a", "command": "sh"})", "command: must be a list of strings"},
      {R"({"image": "a", "command": ["sh", 1]})", "command[1]: must be a string"},
      {R"({"image": "a", "args": ["\u0000"]})", "args[0]: must not hold a NUL byte"},
      {R"({"image": "a", "network": "bridge"})", "network: must be \"host\" or \"none\""},
      {R"({"image": "a", "read_only": "yes"})", "read_only: must be true or false"},
      {R"({"image": "a", "fake_root": 1})", "fake_root: must be true or false"},
      {R"({"image": "a", "env": ["A=1"]})", "env: must be an object of strings"},
      {R"({"image": "a", "env": {"A": 1}})", "env.A: must be a string"},
      {R"({"image": "a", "env": {"A=B": "1"}})", "env.A=B: is not a name of a variable"},
      {R"({"image": "a", "env": {"": "1"}})", "env.: is not a name of a variable"},
      {R"({"image": "a", "pull": "maybe"})", R"(pull: must be "missing", "always" or "never")"},
      {R"({"image": "a", "inputs": "x"})", "inputs: must be a list"},
      {R"({"image": "a", "inputs": ["x", "y", {"source": 1}]})",
       "inputs[2].source: must be a string"},
      {R"({"image": "a", "inputs": [{"target": "x"}]})", "inputs[0].source: is missing"},
      {R"({"image": "a", "inputs": [{"source": "x", "mode": 1}]})",
       "inputs[0].mode: is not a known key; known are source, target"},
      {R"({"image": "a", "inputs": [1]})",
       "inputs[0]: must be a path or an object with source and target"},
      {R"({"image": "a", "inputs": [""]})", "inputs[0]: must name a file or a folder"},
      {R"({"image": "a", "inputs": [".."]})",
       R"(inputs[0]: must be a path inside the job's folder, without "..")"},
      {R"({"image": "a", "inputs": [{"source": "x", "target": "../x"}]})",
       R"(inputs[0].target: must be a path inside the job's folder, without "..")"},
      {R"({"image": "a", "inputs": [{"source": "x", "target": "/x"}]})",
       R"(inputs[0].target: must be a path inside the job's folder, without "..")"},
      {R"({"image": "a", "inputs": ["a/x", "b/x"]})", "inputs[1]: a second input for \"x\""},
      {R"({"image": "a", "inputs": ["_podpilot_stdout"]})",
       "inputs[0]: must not begin with _podpilot_, which is podpilot's own"},
      {R"({"image": "a", "outputs": ["a/../../b"]})",
       R"(outputs[0]: must be a path inside the job's folder, without "..")"},
      {R"({"image": "a", "outputs": [{}]})", "outputs[0]: must be a string"},
      {R"({"image": "a", "cpus": 0})", "cpus: must be from 1 to 4096"},
      {R"({"image": "a", "cpus": 1.5})", "cpus: must be a whole number"},
      {R"({"image": "a", "cpus": "2"})", "cpus: must be a whole number"},
      {R"({"image": "a", "memory": "2 gigs"})",
       R"(memory: must be a size such as "2GiB" or a number of bytes)"},
      {R"({"image": "a", "memory": -1})",
       R"(memory: must be a size such as "2GiB" or a number of bytes)"},
      {R"({"image": "a", "time_limit": "0s"})",
       R"(time_limit: must be a time above 0 such as "30s" or "2h")"},
      {R"({"image": "a", "time_limit": 1.5})",
       R"(time_limit: must be a time above 0 such as "30s" or "2h")"},
      {R"({"image": "a", "priority": 1000001})", "priority: must be from -1000000 to 1000000"},
      {R"({"image": "a", "retries": 101})", "retries: must be from 0 to 100"},
      {R"({"image": "a", "retires": 1})",
       "retires: is not a known key; known are image, name, pull, command, args, env, user, "
       "workdir, network, hostname, read_only, fake_root, inputs, outputs, cpus, memory, disk, "
       "processes, cpu_time, time_limit, priority, "
       "retries"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto job = parse_job_file(row.text);
    REQUIRE_FALSE(job);
    CHECK(job.error().fault == Fault::invalid);
    CHECK(job.error().text == row.error);
  }
}
