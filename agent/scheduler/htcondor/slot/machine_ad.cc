// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/slot/machine_ad.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

#include "agent/scheduler/htcondor/classad/text.h"
#include "agent/scheduler/htcondor/slot/platform.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kKiB = 1 << 10;
constexpr const char* kAdminCapability = "_condor_PrivRemoteAdminCapability";

std::string_view to_string(SlotKind kind) {
  switch (kind) {
    case SlotKind::fixed:
      return "Static";
    case SlotKind::partitionable:
      return "Partitionable";
    case SlotKind::dynamic:
      return "Dynamic";
  }
  return "";
}

std::string_view to_string(SlotPhase phase) {
  switch (phase) {
    case SlotPhase::owner:
      return "Owner";
    case SlotPhase::unclaimed:
      return "Unclaimed";
    case SlotPhase::matched:
      return "Matched";
    case SlotPhase::claimed:
      return "Claimed";
    case SlotPhase::preempting:
      return "Preempting";
    case SlotPhase::drained:
      return "Drained";
  }
  return "";
}

std::string_view to_string(SlotActivity activity) {
  switch (activity) {
    case SlotActivity::idle:
      return "Idle";
    case SlotActivity::busy:
      return "Busy";
    case SlotActivity::suspended:
      return "Suspended";
    case SlotActivity::retiring:
      return "Retiring";
    case SlotActivity::vacating:
      return "Vacating";
    case SlotActivity::killing:
      return "Killing";
  }
  return "";
}

// Expressions of ours are right, or the tests would not pass.
void set_own(Ad& ad, std::string_view name, std::string_view expression) {
  if (const auto set = ad.set_checked_expression(name, expression); !set) std::abort();
}

void set_text(Ad& ad, std::string_view name, const std::string& text) {
  if (!text.empty()) ad.set(name, text);
}

void set_identity(Ad& ad, const Facts& facts, std::string_view type, const std::string& name) {
  ad.set("MyType", type);
  ad.set("Name", name);
  ad.set("Machine", facts.machine);
  ad.set("MyAddress", facts.address);
  ad.set("StartdIpAddr", facts.address);
  ad.set("UtsnameNodename", facts.machine);
  ad.set("UidDomain", facts.domain);
  ad.set("FileSystemDomain", facts.domain);
  ad.set("CondorVersion", facts.condor_version);
  ad.set("DaemonStartTime", facts.started);
  ad.set("DaemonLastReconfigTime", facts.started);
  if (facts.lifetime > 0) ad.set("ClassAdLifetime", facts.lifetime);
}

// What jobs' requirements ask for, also those that condor_submit adds. Not here, because it is not
// so: HasDocker, HasJobTransferPlugins, HasFileTransferPluginMethods, HasIOProxy, HasJobDeferral,
// HasSelfCheckpointTransfers, HasTransferInputRemaps.
void set_abilities(Ad& ad, const Facts& facts) {
  ad.set("HasFileTransfer", true);
  ad.set("HasPerFileEncryption", true);
  ad.set("HasContainer", true);
  ad.set("HasDockerURL", true);
  ad.set("HasSandboxImage", facts.directory_images);
  ad.set("HasSIF", false);
  ad.set("HasSingularity", true);
  ad.set("HasReconnect", facts.reconnects);
  ad.set("HasVM", false);
  ad.set("PodpilotVersion", facts.version);
  ad.set("PodpilotRung", facts.rung);
  ad.set("PodpilotUsers", facts.users);
  ad.set("PodpilotGuarantees", fmt::format("{}", fmt::join(facts.guarantees, ",")));
}

void set_totals(Ad& ad, const Facts& facts) {
  ad.set("MachineResources", "Cpus Memory Disk GPUs");
  ad.set("DetectedCpus", facts.total.cpus);
  ad.set("DetectedMemory", facts.total.memory / kMiB);
  ad.set("TotalCpus", static_cast<double>(facts.total.cpus));
  ad.set("TotalMemory", facts.total.memory / kMiB);
  ad.set("TotalDisk", facts.total.disk / kKiB);
  ad.set("TotalVirtualMemory", facts.total.memory / kKiB);
  for (const char* name : {"TotalGPUs", "DetectedGPUs"}) ad.set(name, 0);
}

void set_resources(Ad& ad, const SlotState& state) {
  ad.set("TotalSlotCpus", state.total.cpus);
  ad.set("TotalSlotMemory", state.total.memory / kMiB);
  const std::uint64_t disk = state.total.disk / kKiB;
  ad.set("TotalSlotDisk", static_cast<double>(disk));
  ad.set("Cpus", state.free.cpus);
  ad.set("Memory", state.free.memory / kMiB);
  ad.set("Disk", state.free.disk / kKiB);
  ad.set("VirtualMemory", state.free.memory / kKiB);
  for (const char* name : {"GPUs", "TotalSlotGPUs"}) ad.set(name, 0);
  set_own(ad, "SlotWeight", "Cpus");
  ad.set("LoadAvg", state.load);
  ad.set("CondorLoadAvg", state.load);
  ad.set("TotalLoadAvg", state.total_load);
  ad.set("TotalCondorLoadAvg", state.load);
  ad.set("PodpilotCachedImages", fmt::format("{}", fmt::join(state.cached_images, ",")));
}

// As the parser understood it: text of the operator's may end in a comment.
std::string normalised(const std::string& expression) {
  Ad scratch;
  set_own(scratch, "it", expression);
  return *scratch.expression("it");
}

std::string start_of(const Facts& facts) {
  const std::string mine = facts.runnable.empty() ? "true" : facts.runnable;
  return facts.start.empty() ? mine : fmt::format("{} && ({})", mine, normalised(facts.start));
}

void set_policy(Ad& ad, const Facts& facts, const SlotState& state, Audience audience) {
  const bool taken = state.kind != SlotKind::partitionable && state.phase != SlotPhase::unclaimed;
  set_own(ad, "Start", state.accepting ? start_of(facts) : "false");
  set_own(ad, "WithinResourceLimits",
          "MY.Cpus > 0 && TARGET.RequestCpus <= MY.Cpus && "
          "MY.Memory > 0 && TARGET.RequestMemory <= MY.Memory && "
          "MY.Disk > 0 && TARGET.RequestDisk <= MY.Disk && "
          "(TARGET.RequestGPUs =?= undefined || TARGET.RequestGPUs <= MY.GPUs)");
  set_own(ad, "Requirements",
          taken && audience == Audience::collector ? "false" : "Start && WithinResourceLimits");
  set_own(ad, "Rank", facts.rank.empty() ? "0.0" : facts.rank);
  ad.set("CurrentRank", state.use.rank);
  ad.set("MachineMaxVacateTime", state.vacate_time);
  ad.set("MaxJobRetirementTime", state.retirement);
  // Negotiators pass over a slot that has any.
  ad.set("RetirementTimeRemaining", state.use.job_id.empty() ? 0 : state.retirement);
  ad.set("AcceptedWhileDraining", false);
  if (state.draining) ad.set("Draining", true);
}

void set_phase(Ad& ad, const Facts& facts, const SlotState& state) {
  ad.set("State", to_string(state.phase));
  ad.set("Activity", to_string(state.activity));
  ad.set("EnteredCurrentState", state.phase_since);
  ad.set("EnteredCurrentActivity", state.activity_since);
  ad.set("MyCurrentTime", state.now);
  ad.set("UpdateSequenceNumber", state.sequence);
  // Nobody sits at a pod's keyboard.
  ad.set("KeyboardIdle", std::max<std::int64_t>(0, state.now - facts.started));
  ad.set("ConsoleIdle", std::max<std::int64_t>(0, state.now - facts.started));
  ad.set("JobStarts", state.job_starts);
  ad.set("RecentJobStarts", state.recent_starts);
}

void set_use(Ad& ad, const SlotState& state) {
  const SlotUse& use = state.use;
  set_text(ad, "RemoteUser", use.remote_user);
  set_text(ad, "RemoteOwner", use.remote_owner);
  set_text(ad, "RemoteScheddName", use.schedd);
  set_text(ad, "ClientMachine", use.client_machine);
  set_text(ad, "AccountingGroup", use.accounting_group);
  if (use.claim_started > 0)
    ad.set("TotalClaimRunTime", std::max<std::int64_t>(0, state.now - use.claim_started));
  if (use.job_id.empty()) return;
  ad.set("JobId", use.job_id);
  set_text(ad, "GlobalJobId", use.global_job_id);
  set_text(ad, "PodpilotImageDigest", use.image_digest);
  ad.set("JobStart", use.job_started);
  ad.set("TotalJobRunTime", std::max<std::int64_t>(0, state.now - use.job_started));
  ad.set("ImageSize", use.usage.peak_memory / kKiB);
}

// Lists with an element for each dynamic slot, for the negotiator and condor_status -compact.
void set_children(Ad& ad, const Facts& facts, const SlotState& state) {
  static constexpr const char* kRolledUp[] = {
      "AccountingGroup",         "Activity", "Cpus",   "CurrentRank", "DSlotId",     "Disk",
      "EnteredCurrentState",     "GPUs",     "Memory", "Name",        "RemoteOwner", "RemoteUser",
      "RetirementTimeRemaining", "State"};
  std::vector<Ad> children;
  for (const SlotState& child : state.children)
    children.push_back(slot_ad(facts, child, Audience::collector));
  for (const std::string_view name : kRolledUp) {
    std::vector<std::string> values;
    for (const Ad& child : children) values.push_back(child.value(name));
    set_own(ad, fmt::format("Child{}", name), fmt::format("{{{}}}", fmt::join(values, ",")));
  }
  ad.set("PslotRollupInformation", true);
  ad.set("NumDynamicSlots", state.children.size());
}

}  // namespace

std::string slot_name(const Facts& facts, SlotKind kind, unsigned number) {
  if (kind == SlotKind::dynamic) return fmt::format("slot1_{}@{}", number, facts.name);
  return "slot1@" + facts.name;
}

Ad slot_ad(const Facts& facts, const SlotState& state, Audience audience) {
  Ad ad = facts.attributes;
  set_identity(ad, facts, "Machine", slot_name(facts, state.kind, state.number));
  ad.set("TargetType", "Job");
  // Without it a collector makes up a pilot's own ad from this one.
  ad.set("HasStartDaemonAd", true);
  set_platform(ad, facts.arch, facts.kernel_release, facts.os_release);
  set_abilities(ad, facts);
  set_totals(ad, facts);
  set_resources(ad, state);
  set_policy(ad, facts, state, audience);
  set_phase(ad, facts, state);
  set_use(ad, state);
  ad.set("SlotID", 1);
  ad.set("SlotTypeID", 1);
  ad.set("SlotType", to_string(state.kind));
  switch (state.kind) {
    case SlotKind::fixed:
      ad.set("TotalSlots", 1);
      break;
    case SlotKind::partitionable:
      ad.set("PartitionableSlot", true);
      ad.set("TotalSlots", 1 + state.children.size());
      set_children(ad, facts, state);
      break;
    case SlotKind::dynamic:
      ad.set("DynamicSlot", true);
      ad.set("DSlotId", state.number);
      ad.set("ParentSlotId", 1);
      break;
  }
  if (audience == Audience::collector) set_text(ad, kAdminCapability, facts.admin_capability);
  return ad;
}

Ad daemon_ad(const Facts& facts, const SlotState& offered) {
  Ad ad = facts.attributes;
  set_identity(ad, facts, "StartD", facts.name);
  set_platform(ad, facts.arch, facts.kernel_release, facts.os_release);
  set_abilities(ad, facts);
  set_totals(ad, facts);
  ad.set("TotalSlots", 1 + offered.children.size());
  ad.set("MyCurrentTime", offered.now);
  ad.set("UpdateSequenceNumber", offered.sequence);
  if (offered.draining) ad.set("Draining", true);
  set_text(ad, kAdminCapability, facts.admin_capability);
  return ad;
}

Ad private_ad(const Facts& facts, const SlotState& state, std::string_view claim_id) {
  Ad ad;
  ad.set("MyType", "Machine");
  ad.set("Name", slot_name(facts, state.kind, state.number));
  ad.set("MyAddress", facts.address);
  ad.set("StartdIpAddr", facts.address);
  ad.set("ClaimId", claim_id);
  ad.set("Capability", claim_id);
  return ad;
}

Result<void> check_facts(const Facts& facts) {
  Ad scratch;
  if (!facts.start.empty()) TRY(scratch.set_checked_expression("START", facts.start));
  if (!facts.rank.empty()) TRY(scratch.set_checked_expression("RANK", facts.rank));
  Facts without = facts;
  without.attributes = Ad();
  without.start.clear();
  without.rank.clear();
  std::vector<Ad> own;
  for (const SlotKind kind : {SlotKind::fixed, SlotKind::partitionable, SlotKind::dynamic}) {
    SlotState state;
    state.kind = kind;
    own.push_back(slot_ad(without, state, Audience::collector));
  }
  std::string refused;
  facts.attributes.for_each([&](const std::string& name, const std::string&) {
    const bool taken = is_secret(name) || std::any_of(own.begin(), own.end(),
                                                      [&](const Ad& ad) { return ad.has(name); });
    if (taken && refused.empty()) refused = name;
  });
  if (!refused.empty())
    return Error{Fault::invalid, fmt::format("{}: not the operator's to say", refused)};
  return {};
}

bool accepts(const Facts& facts, const SlotState& state, const Ad& job) {
  return matches(slot_ad(facts, state, Audience::schedd), job);
}

}  // namespace podpilot::agent::htcondor
