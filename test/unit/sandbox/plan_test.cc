// SPDX-License-Identifier: Apache-2.0
#include "sandbox/plan.h"

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "sandbox/base/io.h"
#include "sandbox/capabilities.h"
#include "sandbox/spec_check.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::sandbox;

namespace {

Spec typical() {
  Spec spec;
  spec.layers = {"/cache/l/aa", "/cache/l/bb"};
  spec.workspace = "/scratch/job1";
  spec.argv = {"/bin/sh", "-c", "echo \"x\"\n"};
  spec.env = {"PATH=/bin", "HOME=/"};
  spec.workdir = "/work";
  spec.binds = {{.source = "/scratch/in", .target = "/in"},
                {.source = "/scratch/out", .target = "/out", .access = Access::read_write}};
  spec.tmpfs = {{.target = "/tmp", .size = 1 << 20}, {.target = "/run"}};
  spec.limits = {.open_files = 1024, .core_size = 0, .file_size = std::nullopt};
  return spec;
}

std::string golden(const std::string& name) {
  const char* source = std::getenv("PODPILOT_SOURCE");
  return read_file((source ? std::string(source) : ".") + "/test/golden/" + name, 1 << 20).value();
}

std::string refusal(const Spec& spec) {
  const auto plan = make_plan({}, spec);
  if (plan) return "";
  CHECK(plan.error().fault == Fault::invalid);
  return plan.error().text;
}

}  // namespace

TEST_CASE("the plan of a typical job is the one on record", "[sandbox][plan]") {
  CHECK(describe(make_plan({}, typical()).value()) == golden("plan_userns.txt"));
}

TEST_CASE("root may hold the set of container runtimes, a user nothing", "[sandbox][plan]") {
  Spec spec = typical();
  CHECK(make_plan({}, spec)->capabilities == 0xa80425fb);
  for (const int cap : {CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_SYS_MODULE, CAP_NET_ADMIN,
                        CAP_SYS_RESOURCE, CAP_DAC_READ_SEARCH, CAP_SYS_RAWIO})
    CHECK((kPayloadCapabilities & cap_bit(cap)) == 0);
  spec.user.uid = 1000;
  CHECK(make_plan({}, spec)->capabilities == 0);
}

TEST_CASE("the root is entered last and nothing is mounted over /proc after it is covered",
          "[sandbox][plan]") {
  const Plan plan = make_plan({}, typical()).value();
  CHECK(plan.steps.front().op == Op::overlay);
  CHECK(plan.steps.back().op == Op::enter);
  bool proc = false;
  for (const Step& step : plan.steps) {
    if (step.op == Op::proc) proc = true;
    const bool of_the_job = step.target == "/in" || step.target == "/out" || step.target == "/tmp";
    CHECK_FALSE((proc && of_the_job));
  }
}

TEST_CASE("the fake root is the last filter, and apt is told of it", "[sandbox][plan]") {
  Spec spec = typical();
  const auto tells_apt = [](const Plan& plan) {
    return std::any_of(plan.steps.begin(), plan.steps.end(),
                       [](const Step& step) { return step.op == Op::file; });
  };
  CHECK(make_plan({}, spec)->filters == std::vector{Filter::payload});
  CHECK_FALSE(tells_apt(*make_plan({}, spec)));
  spec.fake_root = true;
  CHECK(make_plan({}, spec)->filters == std::vector{Filter::payload, Filter::fake_root});
  CHECK(tells_apt(*make_plan({}, spec)));
}

TEST_CASE("a job without layers or command is refused", "[sandbox][plan]") {
  Spec spec = typical();
  spec.layers.clear();
  CHECK(refusal(spec) == "the image has no layer");
  spec = typical();
  spec.argv.clear();
  CHECK(refusal(spec).starts_with("no command"));
  spec.argv = {""};
  CHECK(refusal(spec).starts_with("no command"));
}

TEST_CASE("mount targets are absolute, normal and not in the sandbox's own folders",
          "[sandbox][plan]") {
  for (const char* target :
       {"", "/", "in", "./in", "/in/", "/in//x", "/in/.", "/in/..", "/../etc", "//in"}) {
    CAPTURE(target);
    Spec spec = typical();
    spec.binds[0].target = target;
    CHECK(refusal(spec).find("must be absolute and without") != std::string::npos);
    spec = typical();
    spec.tmpfs[0].target = target;
    CHECK(refusal(spec).find("must be absolute and without") != std::string::npos);
  }
  for (const char* target : {"/proc", "/proc/sys", "/sys", "/sys/fs/cgroup", "/dev", "/dev/shm"}) {
    CAPTURE(target);
    Spec spec = typical();
    spec.binds[0].target = target;
    CHECK(refusal(spec).ends_with("is the sandbox's own"));
  }
  for (const char* target : {"/process", "/devel", "/system", "/in/proc", "/...", "/a b"}) {
    CAPTURE(target);
    Spec spec = typical();
    spec.binds[0].target = target;
    CHECK(refusal(spec) == "");
  }
}

TEST_CASE("paths of the outside are absolute", "[sandbox][plan]") {
  for (const char* path : {"", "x", "./x", "../x"}) {
    CAPTURE(path);
    Spec spec = typical();
    spec.binds[0].source = path;
    CHECK(refusal(spec).starts_with("bind source"));
    spec = typical();
    spec.layers[1] = path;
    CHECK(refusal(spec).starts_with("layer"));
    spec = typical();
    spec.workspace = path;
    CHECK(refusal(spec).starts_with("workspace"));
    spec = typical();
    spec.workdir = path;
    CHECK(refusal(spec).starts_with("working folder"));
  }
}

TEST_CASE("a NUL byte is refused wherever the kernel would end the string at it",
          "[sandbox][plan]") {
  const std::string nul("/a\0b", 4);
  const auto refused = [](const std::function<void(Spec&)>& spoil) {
    Spec spec = typical();
    spoil(spec);
    return refusal(spec).starts_with("a NUL byte");
  };
  CHECK(refused([&](Spec& s) { s.argv[1] = nul; }));
  CHECK(refused([&](Spec& s) { s.env[0] = nul; }));
  CHECK(refused([&](Spec& s) { s.layers[0] = nul; }));
  CHECK(refused([&](Spec& s) { s.workspace = nul; }));
  CHECK(refused([&](Spec& s) { s.workdir = nul; }));
  CHECK(refused([&](Spec& s) { s.binds[0].source = nul; }));
  CHECK(refused([&](Spec& s) { s.binds[1].target = nul; }));
  CHECK(refused([&](Spec& s) { s.tmpfs[0].target = nul; }));
}

TEST_CASE("hostnames are those of RFC 1123", "[sandbox][plan]") {
  for (const std::string& name :
       {std::string("a"), std::string("node-1"), std::string("N1.pool.example"), std::string("7"),
        std::string(63, 'a'), std::string(32, 'a') + "." + std::string(31, 'b')}) {
    CAPTURE(name);
    Spec spec = typical();
    spec.hostname = name;
    CHECK(refusal(spec) == "");
  }
  for (const std::string& name :
       {std::string("-a"), std::string("a-"), std::string("a_b"), std::string("."),
        std::string("a..b"), std::string("a."), std::string("a b"), std::string("a\nb"),
        std::string("a\0b", 3), std::string("\xc3\xa4"), std::string(64, 'a'),
        std::string(33, 'a') + "." + std::string(31, 'b')}) {
    CAPTURE(name);
    Spec spec = typical();
    spec.hostname = name;
    CHECK(refusal(spec).starts_with("hostname "));
  }
}

TEST_CASE("devices are nodes below /dev that the sandbox does not make itself", "[sandbox][plan]") {
  for (const char* device : {"/dev/fuse", "/dev/net/tun", "/dev/null", "/dev/ptsx"}) {
    CAPTURE(device);
    Spec spec = typical();
    spec.devices = {device};
    CHECK(refusal(spec) == "");
  }
  for (const char* device :
       {"", "fuse", "/dev", "/dev/", "/dev/../x", "/etc/passwd", "/device", "/dev//x", "/dev/./x",
        "/dev/pts/0", "/dev/shm", "/dev/mqueue/x", "/dev/ptmx", "/dev/fd", "/dev/stdin"}) {
    CAPTURE(device);
    Spec spec = typical();
    spec.devices = {device};
    CHECK(refusal(spec).starts_with("device "));
  }
}

TEST_CASE("network, hostname, devices and a read-only root are in the plan", "[sandbox][plan]") {
  Spec spec = typical();
  const Plan plain = make_plan({}, spec).value();
  CHECK((plain.namespaces & CLONE_NEWNET) == 0);
  CHECK(plain.hostname.empty());
  CHECK_FALSE(plain.read_only_root);
  spec.network = Network::none;
  spec.hostname = "node1";
  spec.read_only = true;
  spec.devices = {"/dev/fuse"};
  const Plan plan = parse_plan(serialise(make_plan({}, spec).value())).value();
  CHECK((plan.namespaces & CLONE_NEWNET) != 0);
  CHECK(plan.hostname == "node1");
  CHECK(plan.read_only_root);
  const std::string told = describe(plan);
  for (const char* line : {"\nhostname node1\n", "\nfile /etc/hostname from node1\\x0a ro\n",
                           "\nfile /etc/hosts from \\x0a127.0.1.1 node1\\x0a with /etc/hosts ro\n",
                           "\nread-only root\n", "\nbind_device /dev/fuse from /dev/fuse rw\n"}) {
    CAPTURE(line);
    CHECK(told.find(line) != std::string::npos);
  }
  CHECK(told.find("bind /etc/host") == std::string::npos);
}

TEST_CASE("an error shows no control characters of the job's", "[sandbox][plan]") {
  Spec spec = typical();
  spec.binds[0].target = "evil\n\x1b[2J";
  CHECK(refusal(spec).find("evil\\x0a\\x1b[2J") != std::string::npos);
}

TEST_CASE("a plan survives its way to the launcher", "[sandbox][plan]") {
  Spec spec = typical();
  spec.user = {.uid = 5, .gid = 6, .groups = {7, 8}};
  spec.terminal = true;
  spec.fake_root = true;
  const Plan plan = make_plan({}, spec).value();
  const std::string bytes = serialise(plan);
  const Plan back = parse_plan(bytes).value();
  CHECK(serialise(back) == bytes);
  CHECK(describe(back) == describe(plan));
  CHECK(back.steps == plan.steps);
  CHECK(back.user == plan.user);
  CHECK(back.filters == plan.filters);
  CHECK(back.argv == plan.argv);
  CHECK(back.env == plan.env);
  CHECK(back.limits.core_size == 0u);
  CHECK_FALSE(back.limits.file_size);
  CHECK(back.terminal);
}

TEST_CASE("a plan cut anywhere, or with more behind it, is refused", "[sandbox][plan]") {
  const std::string bytes = serialise(make_plan({}, typical()).value());
  std::size_t taken = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size)
    taken += parse_plan(std::string_view(bytes).substr(0, size)).has_value();
  CHECK(taken == 0);
  CHECK_FALSE(parse_plan(bytes + "x"));
  CHECK(parse_plan(bytes));
}

TEST_CASE("lengths that lie neither crash nor allocate", "[sandbox][plan]") {
  const std::string bytes = serialise(make_plan({}, typical()).value());
  for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    std::string lying = bytes;
    lying.replace(at, 8, 8, '\xff');
    [[maybe_unused]] const auto parsed = parse_plan(lying);
  }
  CHECK(parse_plan(bytes));
}
