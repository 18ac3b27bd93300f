// SPDX-License-Identifier: Apache-2.0
#include <sched.h>

#include <cstdlib>

#include "sandbox/base/io.h"
#include "sandbox/landlock.h"
#include "sandbox/plan.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::sandbox;

namespace {

Pod typical(Rung rung) {
  Pod pod{.rung = rung,
          .layout = {.live = "/pod/live", .names = {}},
          .landlock_abi = 7,
          .uid = 1000,
          .gid = 1000,
          .job_id = 20001};
  for (const char* name : {"usr", "bin", "opt", "scratch"})
    pod.layout.names.push_back({name, Place::linked, "", false});
  pod.layout.names.push_back({"etc", Place::folder, "", false});
  pod.layout.names.push_back({"var", Place::folder, "", true});
  pod.layout.names.push_back({"tmp", Place::folder, "", false});
  pod.layout.names.push_back({"home", Place::filled, "/pod/sub/home", false});
  pod.layout.names.push_back({"srv", Place::filled, "/pod/sub/srv", false});
  return pod;
}

Spec image() {
  Spec spec;
  spec.layers = {"/pod/cache/l"};
  spec.workspace = "/pod/s/job";
  spec.root = "/pod/s/job/root";
  spec.root_names = {"bin", "etc", "home", "opt", "tmp", "usr", "var"};
  spec.argv = {"/bin/true"};
  spec.binds = {{.source = "/pod/s/job/files", .target = "/scratch", .access = Access::read_write}};
  return spec;
}

std::string golden(const std::string& name) {
  const char* source = std::getenv("PODPILOT_SOURCE");
  return read_file((source ? std::string(source) : ".") + "/test/golden/" + name, 1 << 20).value();
}

}  // namespace

TEST_CASE("the plan of a transplant is the one on record", "[sandbox][plan]") {
  CHECK(describe(make_plan(typical(Rung::transplant), image()).value()) ==
        golden("plan_transplant.txt"));
}

TEST_CASE("rungs differ in namespaces, ids and who is killed how", "[sandbox][plan]") {
  const Plan nomount = make_plan(typical(Rung::userns_nomount), image()).value();
  CHECK(nomount.namespaces == 0x3e000000);  // user, pid, ipc, uts, cgroup
  CHECK(nomount.ids == Ids::map);
  CHECK(nomount.kill == KillBy::everyone);
  CHECK_FALSE(nomount.own_domain);

  const Plan setuid = make_plan(typical(Rung::transplant_setuid), image()).value();
  CHECK(setuid.namespaces == 0);
  CHECK(setuid.ids == Ids::set);
  CHECK(setuid.user.uid == 20001);
  CHECK(setuid.kill == KillBy::uid);
  CHECK(setuid.capabilities == 0);

  Pod pod = typical(Rung::transplant);
  const Plan same = make_plan(pod, image()).value();
  CHECK(same.ids == Ids::keep);
  CHECK(same.user.uid == 1000);
  CHECK(same.own_domain);
  CHECK(same.filters == std::vector<Filter>{Filter::payload, Filter::guard, Filter::no_numbers});
  // kill(-1) without a domain around the job would be the pilot's end.
  pod.landlock_abi = kScopingAbi - 1;
  const Plan older = make_plan(pod, image()).value();
  CHECK_FALSE(older.own_domain);
  CHECK(older.kill == KillBy::descendants);
  CHECK(older.filters ==
        std::vector<Filter>{Filter::payload, Filter::guard, Filter::no_numbers, Filter::no_trace});
  pod.carries_out = true;
  CHECK(make_plan(pod, image())->filters ==
        std::vector<Filter>{Filter::payload, Filter::guard, Filter::no_trace, Filter::supervised});
}

TEST_CASE("a name that the pod's root lacks is told with the line that adds it",
          "[sandbox][plan]") {
  Spec spec = image();
  spec.root_names.emplace_back("conda");
  Pod pod = typical(Rung::transplant);
  const Error linked = make_plan(pod, spec).error();
  CHECK(linked.fault == Fault::unsupported);
  CHECK(linked.text.find("RUN ln -s /pod/live/conda /conda") != std::string::npos);
  pod.layout.live.clear();
  const Error filled = make_plan(pod, spec).error();
  CHECK(filled.text.find("mountPath: /conda, subPath: live/conda") != std::string::npos);
}

TEST_CASE("what a job adds must fit the pod's root, too", "[sandbox][plan]") {
  const Pod pod = typical(Rung::transplant);
  for (const char* target : {"/in", "/usr/share/x", "/tmp/x"}) {
    CAPTURE(target);
    Spec spec = image();
    spec.binds = {{.source = "/data", .target = target}};
    CHECK(make_plan(pod, spec).error().fault == Fault::unsupported);
  }
  Spec spec = image();
  spec.binds = {{.source = "/data", .target = "/opt/in"}};
  const Plan plan = make_plan(pod, spec).value();
  CHECK(std::ranges::find(plan.reach.read, "/data") != plan.reach.read.end());
  CHECK(std::ranges::find(plan.reach.write, "/data") == plan.reach.write.end());
}

TEST_CASE("a folder with a foreign mount in it is not opened to the payload", "[sandbox][plan]") {
  const Plan plan = make_plan(typical(Rung::transplant), image()).value();
  const auto writes = [&](const char* path) {
    return std::ranges::find(plan.reach.write, path) != plan.reach.write.end();
  };
  CHECK(writes("/etc"));
  CHECK_FALSE(writes("/var"));
  CHECK(writes("/pod/s/job/root/var"));
  CHECK_FALSE(writes("/pod/s/job/root/usr"));
}

TEST_CASE("an image of copies can be written to", "[sandbox][plan]") {
  Spec spec = image();
  spec.writable_image = true;
  spec.binds = {{.source = "/data", .target = "/usr/data"}};
  const auto usr = [](const std::vector<std::string>& list) {
    return std::ranges::find(list, "/pod/s/job/root/usr") != list.end();
  };
  const Plan writable = make_plan(typical(Rung::transplant), spec).value();
  CHECK(usr(writable.reach.write));
  CHECK_FALSE(usr(writable.reach.read));
  spec.read_only = true;
  const Plan closed = make_plan(typical(Rung::transplant), spec).value();
  CHECK_FALSE(usr(closed.reach.write));
  CHECK(usr(closed.reach.read));
  const Plan overlay = make_plan({}, spec).value();
  spec.writable_image = false;
  CHECK(describe(make_plan({}, spec).value()) == describe(overlay));
}

TEST_CASE("a wish without its namespace is filtered or refused, never dropped", "[sandbox][plan]") {
  using Filters = std::vector<Filter>;
  Spec spec = image();
  spec.network = Network::none;
  spec.fake_root = true;
  const Plan same = make_plan(typical(Rung::transplant), spec).value();
  CHECK(same.filters == Filters{Filter::payload, Filter::guard, Filter::no_numbers,
                                Filter::no_network, Filter::fake_root});
  const Plan nomount = make_plan(typical(Rung::userns_nomount), spec).value();
  CHECK(nomount.filters == Filters{Filter::payload, Filter::fake_root});
  CHECK((nomount.namespaces & CLONE_NEWNET) != 0);
  spec.hostname = "node1";
  CHECK(make_plan(typical(Rung::transplant), spec).error().fault == Fault::unsupported);
  CHECK(make_plan(typical(Rung::userns_nomount), spec)->hostname == "node1");
  spec.hostname.clear();
  spec.read_only = true;
  const Plan read_only = make_plan(typical(Rung::transplant), spec).value();
  for (const std::string& path : read_only.reach.write)
    CHECK_FALSE(path.starts_with("/pod/s/job/root"));
}
