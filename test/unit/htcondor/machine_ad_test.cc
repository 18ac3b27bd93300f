// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/slot/machine_ad.h"

#include "agent/scheduler/htcondor/classad/text.h"
#include "agent/scheduler/htcondor/slot/job_ad.h"
#include "agent/scheduler/htcondor/slot/platform.h"
#include "test/catch.h"
#include "test/unit/htcondor/golden.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace podpilot::agent::htcondor;

namespace {

constexpr std::uint64_t kGiB = 1ULL << 30;

Facts typical() {
  Facts facts;
  facts.name = "pod-1";
  facts.machine = "pod-1.cluster";
  facts.address = "<10.0.0.7:0?CCBID=192.0.2.1:9618#7&PrivNet=pod-1&noUDP>";
  facts.domain = "pod-1.podpilot";
  facts.condor_version = "$CondorVersion: 25.0.0 2025-10-01 BuildID: podpilot-0.1.0 $";
  facts.version = "0.1.0";
  facts.total = {.cpus = 4, .memory = 8 * kGiB, .disk = 100 * kGiB};
  facts.arch = "x86_64";
  facts.kernel_release = "6.1.0";
  facts.os_release =
      "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
  facts.rung = "userns";
  facts.guarantees = {"pids", "mounts"};
  facts.started = 1'700'000'000;
  JobSetting setting;
  facts.runnable = runnable_expression(setting);
  return facts;
}

SlotState whole(SlotKind kind) {
  SlotState state;
  state.kind = kind;
  state.total = state.free = typical().total;
  state.phase_since = state.activity_since = 1'700'000'000;
  state.now = 1'700'000'060;
  state.sequence = 3;
  state.vacate_time = 25;
  return state;
}

SlotState dynamic(unsigned number) {
  SlotState state = whole(SlotKind::dynamic);
  state.number = number;
  state.total = state.free = {.cpus = 1, .memory = 2 * kGiB, .disk = kGiB};
  state.phase = SlotPhase::claimed;
  state.activity = SlotActivity::busy;
  state.use.remote_user = state.use.remote_owner = "alice@pool";
  state.use.client_machine = "ap.pool";
  state.use.job_id = "12.0";
  state.use.job_started = 1'700'000'010;
  state.use.claim_started = 1'700'000'000;
  return state;
}

Ad request(std::int64_t cpus, std::int64_t memory, std::int64_t disk) {
  Ad job;
  job.set("JobUniverse", 5);
  job.set("WantContainer", true);
  job.set("RequestCpus", cpus);
  job.set("RequestMemory", memory);
  job.set("RequestDisk", disk);
  return job;
}

}  // namespace

TEST_CASE("the partitionable slot says what a real one says", "[slot][machine_ad]") {
  const Facts facts = typical();
  SlotState state = whole(SlotKind::partitionable);
  const Ad ad = slot_ad(facts, state, Audience::collector);
  const std::pair<const char*, const char*> table[] = {
      {"Name", "\"slot1@pod-1\""},
      {"State", "\"Unclaimed\""},
      {"Activity", "\"Idle\""},
      {"SlotType", "\"Partitionable\""},
      {"PartitionableSlot", "true"},
      {"Cpus", "4"},
      {"Memory", "8192"},
      {"Disk", "104857600"},
      {"TotalSlotCpus", "4"},
      {"TotalCpus", "4.0"},
      {"SlotWeight", "4"},
      {"Start", "true"},
      {"Requirements", "undefined"},
      {"StartdIpAddr", "\"<10.0.0.7:0?CCBID=192.0.2.1:9618#7&PrivNet=pod-1&noUDP>\""},
      {"HasContainer", "true"},
      {"HasDockerURL", "true"},
      {"HasSIF", "false"},
      {"HasSandboxImage", "false"},
      {"HasReconnect", "false"},
      {"HasDocker", "undefined"},
      {"HasFileTransferPluginMethods", "undefined"},
      {"OpSysAndVer", "\"Debian12\""},
      {"Arch", "\"X86_64\""},
      {"CondorPlatform", "\"$CondorPlatform: X86_64-Debian_12 $\""},
      {"UidDomain", "\"pod-1.podpilot\""},
      {"FileSystemDomain", "\"pod-1.podpilot\""},
      {"PodpilotRung", "\"userns\""},
      {"PodpilotUsers", "\"any\""},
      {"PodpilotGuarantees", "\"pids,mounts\""},
      {"KeyboardIdle", "60"},
      {"MachineMaxVacateTime", "25"},
      {"NumDynamicSlots", "0"},
      {"ChildName", "{  }"},
      {"UpdateSequenceNumber", "3"},
      {"ClassAdLifetime", "undefined"},
      {"_condor_PrivRemoteAdminCapability", "undefined"},
  };
  for (const auto& [name, value] : table) {
    INFO(name);
    CHECK(ad.value(name) == value);
  }
  // What a real slot has and this one has not is there because it would not be true or nobody reads
  // it; what tools and daemons read is in both.
  const Ad real = test::golden_ad("25.14.1/slot.ad");
  real.for_each([&](const std::string& name, const std::string&) {
    if (name.starts_with("Child")) CHECK(ad.has(name));
  });
  // It goes through text, as it does on the wire.
  const auto read = parse_ad(format_ad(ad));
  REQUIRE(read);
  CHECK(format_ad(*read) == format_ad(ad));
}

TEST_CASE("a slot matches what fits and can be run", "[slot][machine_ad]") {
  const Facts facts = typical();
  const SlotState state = whole(SlotKind::partitionable);
  CHECK(accepts(facts, state, request(4, 8192, 1024)));
  CHECK_FALSE(accepts(facts, state, request(5, 1, 1)));
  CHECK_FALSE(accepts(facts, state, request(1, 8193, 1)));
  CHECK_FALSE(accepts(facts, state, request(1, 1, 104857601)));
  CHECK_FALSE(accepts(facts, state, Ad()));

  Ad gpu = request(1, 1, 1);
  gpu.set("RequestGPUs", 1);
  CHECK_FALSE(accepts(facts, state, gpu));
  gpu.set("RequestGPUs", 0);
  CHECK(accepts(facts, state, gpu));

  Ad docker = request(1, 1, 1);
  docker.set("WantDocker", true);
  CHECK_FALSE(accepts(facts, state, docker));

  SlotState used = state;
  used.free = {.cpus = 0, .memory = kGiB, .disk = kGiB};
  CHECK_FALSE(accepts(facts, used, request(1, 1, 1)));
  SlotState closed = state;
  closed.accepting = false;
  CHECK_FALSE(accepts(facts, closed, request(1, 1, 1)));
  CHECK(slot_ad(facts, closed, Audience::collector).value("Start") == "false");
}

TEST_CASE("jobs of real submitters match, and match back", "[slot][machine_ad]") {
  const auto both = [](const Facts& facts, const Ad& job) {
    const SlotState state = whole(SlotKind::partitionable);
    const Ad slot = slot_ad(facts, state, Audience::collector);
    return std::pair(matches(slot, job), matches(job, slot));
  };
  using Pair = std::pair<bool, bool>;
  JobSetting with_default;
  with_default.default_image = "docker://debian:12";
  with_default.directory_images = with_default.input_images = true;
  Facts generous = typical();
  generous.directory_images = true;
  generous.runnable = runnable_expression(with_default);
  for (const std::string release : {"23.9.6/", "25.14.1/"}) {
    for (const char* name : {"docker-img", "targetdir", "noexec", "noexectransfer"}) {
      INFO(release << name);
      CHECK(both(typical(), test::golden_ad(release + "job-" + name + ".ad")) == Pair(true, true));
    }
    CHECK(both(typical(), test::golden_ad(release + "job-sif.ad")) == Pair(false, false));
    CHECK(both(typical(), test::golden_ad(release + "job-dir.ad")) == Pair(false, false));
    CHECK(both(typical(), test::golden_ad(release + "job-vanilla.ad")) == Pair(false, true));
    CHECK(both(generous, test::golden_ad(release + "job-sif.ad")) == Pair(false, false));
    CHECK(both(generous, test::golden_ad(release + "job-dir.ad")) == Pair(true, true));
    CHECK(both(generous, test::golden_ad(release + "job-vanilla.ad")) == Pair(true, true));
  }
}

TEST_CASE("the operator's START, RANK and attributes", "[slot][machine_ad]") {
  Facts facts = typical();
  facts.start = "TARGET.Owner == \"alice\" // only she";
  facts.rank = "TARGET.Prio";
  facts.attributes.set("GLIDEIN_Site", "loopback");
  REQUIRE(check_facts(facts));
  const SlotState state = whole(SlotKind::fixed);
  Ad job = request(1, 1, 1);
  CHECK_FALSE(accepts(facts, state, job));
  job.set("Owner", "alice");
  CHECK(accepts(facts, state, job));
  const Ad ad = slot_ad(facts, state, Audience::collector);
  CHECK(ad.string("GLIDEIN_Site") == "loopback");
  CHECK(ad.value("Rank") == "undefined");
  job.set("Prio", 3);
  CHECK(ad.real("Rank", &job) == 3.0);

  const auto refused = [](auto change) {
    Facts bad = typical();
    change(bad);
    const auto checked = check_facts(bad);
    return checked ? std::string() : checked.error().text;
  };
  CHECK(refused([](Facts& f) { f.start = "nofunc()"; }) == "START: there is no function nofunc()");
  CHECK(refused([](Facts& f) { f.start = "true) || (true"; }).starts_with("START: expected"));
  CHECK(refused([](Facts& f) { f.rank = "1 +"; }).starts_with("RANK: expected"));
  for (const char* name : {"Name", "cpus", "State", "ChildCpus", "DSlotId", "Requirements", "Start",
                           "ClaimId", "_condor_PrivX", "HasContainer"})
    CHECK(refused([&](Facts& f) {
            f.attributes.set(name, 1);
          }).ends_with(": not the operator's to say"));
}

TEST_CASE("a pilot's own ad", "[slot][machine_ad]") {
  Facts facts = typical();
  facts.admin_capability = "session#secret";
  facts.attributes.set("GLIDEIN_Site", "loopback");
  SlotState parent = whole(SlotKind::partitionable);
  parent.children = {dynamic(1)};
  const Ad ad = daemon_ad(facts, parent);
  const std::pair<const char*, const char*> table[] = {
      {"MyType", "\"StartD\""},         {"Name", "\"pod-1\""},
      {"Machine", "\"pod-1.cluster\""}, {"TotalSlots", "2"},
      {"TotalMemory", "8192"},          {"Draining", "undefined"},
      {"GLIDEIN_Site", "\"loopback\""}, {"_condor_PrivRemoteAdminCapability", "\"session#secret\""},
  };
  for (const auto& [name, value] : table) {
    INFO(name);
    CHECK(ad.value(name) == value);
  }
  // Nothing that a negotiator could match.
  for (const char* name : {"Requirements", "Start", "Rank", "State", "SlotID", "Cpus"})
    CHECK_FALSE(ad.has(name));
  const Ad slot = slot_ad(facts, parent, Audience::collector);
  CHECK(slot.boolean("HasStartDaemonAd") == true);
  CHECK(slot.value("RetirementTimeRemaining") == "0");  // or negotiators pass over it
}

TEST_CASE("dynamic slots and what their parent tells of them", "[slot][machine_ad]") {
  Facts facts = typical();
  facts.admin_capability = "session#secret";
  SlotState parent = whole(SlotKind::partitionable);
  parent.free = {.cpus = 2, .memory = 4 * kGiB, .disk = 98 * kGiB};
  parent.children = {dynamic(1), dynamic(4)};
  parent.children[1].use = {};
  const Ad ad = slot_ad(facts, parent, Audience::collector);
  const std::pair<const char*, const char*> rolled_up[] = {
      {"ChildName", R"({ "slot1_1@pod-1","slot1_4@pod-1" })"},
      {"ChildCpus", "{ 1,1 }"},
      {"ChildMemory", "{ 2048,2048 }"},
      {"ChildGPUs", "{ 0,0 }"},
      {"ChildState", R"({ "Claimed","Claimed" })"},
      {"ChildActivity", R"({ "Busy","Busy" })"},
      {"ChildRemoteUser", R"({ "alice@pool",undefined })"},
      {"ChildDSlotId", "{ 1,4 }"},
      {"ChildCurrentRank", "{ 0.0,0.0 }"},
      {"NumDynamicSlots", "2"},
      {"TotalSlots", "3"},
      {"Cpus", "2"},
      {"TotalSlotCpus", "4"},
      {"State", "\"Unclaimed\""},
      {"_condor_PrivRemoteAdminCapability", "\"session#secret\""},
  };
  for (const auto& [name, value] : rolled_up) {
    INFO(name);
    CHECK(ad.value(name) == value);
  }

  const Ad child = slot_ad(facts, parent.children[0], Audience::collector);
  const std::pair<const char*, const char*> table[] = {
      {"SlotType", "\"Dynamic\""},
      {"DynamicSlot", "true"},
      {"PartitionableSlot", "undefined"},
      {"DSlotId", "1"},
      {"Cpus", "1"},
      {"TotalCpus", "4.0"},
      {"TotalSlotMemory", "2048"},
      {"RemoteUser", "\"alice@pool\""},
      {"ClientMachine", "\"ap.pool\""},
      {"JobId", "\"12.0\""},
      {"TotalJobRunTime", "50"},
      {"Requirements", "false"},
  };
  for (const auto& [name, value] : table) {
    INFO(name);
    CHECK(child.value(name) == value);
  }
  // The next job on the claim must match, and no secret goes to a schedd.
  const Ad reply = slot_ad(facts, parent.children[0], Audience::schedd);
  CHECK(reply.expression("Requirements") == "Start && WithinResourceLimits");
  CHECK_FALSE(reply.has("_condor_PrivRemoteAdminCapability"));
  CHECK(accepts(facts, parent.children[0], request(1, 2048, 1)));
  CHECK_FALSE(accepts(facts, parent.children[0], request(2, 2048, 1)));
}

TEST_CASE("a static slot matches nothing while it is claimed", "[slot][machine_ad]") {
  const Facts facts = typical();
  SlotState state = whole(SlotKind::fixed);
  CHECK(slot_ad(facts, state, Audience::collector).string("SlotType") == "Static");
  CHECK(matches(slot_ad(facts, state, Audience::collector), request(1, 1, 1)));
  state.phase = SlotPhase::claimed;
  CHECK_FALSE(matches(slot_ad(facts, state, Audience::collector), request(1, 1, 1)));
  CHECK(matches(slot_ad(facts, state, Audience::schedd), request(1, 1, 1)));
}

TEST_CASE("the private ad belongs to the slot's", "[slot][machine_ad]") {
  const Facts facts = typical();
  const SlotState state = dynamic(2);
  const Ad secret = private_ad(facts, state, "<a:1>#1#2#[]s");
  const Ad open = slot_ad(facts, state, Audience::collector);
  for (const char* name : {"Name", "MyAddress", "StartdIpAddr", "MyType"})
    CHECK(secret.string(name) == open.string(name));
  CHECK(secret.string("ClaimId") == "<a:1>#1#2#[]s");
  CHECK(secret.string("Capability") == "<a:1>#1#2#[]s");
  open.for_each([](const std::string& name, const std::string&) { CHECK_FALSE(is_secret(name)); });
}

TEST_CASE("distributions by their os-release", "[slot][platform]") {
  struct Case {
    const char *os_release, *and_ver, *version;
  };
  const Case table[] = {
      {"ID=debian\nVERSION_ID=\"12\"\n", "\"Debian12\"", "1200"},
      {"ID=ubuntu\nVERSION_ID='24.04'\n", "\"Ubuntu24\"", "2404"},
      {"ID=\"almalinux\"\nVERSION_ID=\"9.4\"\n", "\"AlmaLinux9\"", "904"},
      {"ID=debian\nPRETTY_NAME=\"Debian GNU/Linux forky/sid\"\n", "undefined", "undefined"},
      {"ID=odd\nVERSION_ID=rolling\n", "undefined", "undefined"},
      {"", "undefined", "undefined"},
      {"# ID=x\nnothing", "undefined", "undefined"},
  };
  for (const Case& one : table) {
    INFO(one.os_release);
    Ad ad;
    set_platform(ad, "x86_64", "6.1", one.os_release);
    CHECK(ad.value("OpSysAndVer") == one.and_ver);
    CHECK(ad.value("OpSysVer") == one.version);
    CHECK(ad.string("OpSys") == "LINUX");
  }
  Ad ad;
  set_platform(ad, "aarch64", "6.1", "");
  CHECK(ad.string("Arch") == "aarch64");
  CHECK(ad.string("CondorPlatform") == "$CondorPlatform: aarch64-Linux $");
}
