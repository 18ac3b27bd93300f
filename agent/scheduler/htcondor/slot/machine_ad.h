// SPDX-License-Identifier: Apache-2.0
// The ads that a pilot's slots have in the collector. Pure: all that they say is in the arguments.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/job/description.h"
#include "agent/scheduler/htcondor/classad/ad.h"

namespace podpilot::agent::htcondor {

// What peers branch on: they take us for this version of HTCondor, whose dialogue we speak. Later
// ones have startds serve common files and guidance, which we do not.
inline constexpr std::string_view kCondorVersion =
    "$CondorVersion: 25.0.0 2025-10-01 BuildID: podpilot $";
inline constexpr std::string_view kCondorPlatform = "$CondorPlatform: X86_64-podpilot $";

// Of the pod and the operator's wishes: the same for all slots of a pilot.
struct Facts {
  std::string name;     // of the startd, unique in the pool: slots are slot1@NAME
  std::string machine;  // the pod's host name
  std::string address;  // sinful
  std::string domain;   // unique per pod: no job shares files or accounts with its submitter
  Resources total;      // memory and disk must be said
  std::string version;  // podpilot's own

  std::string arch;            // as uname(2) says it: "x86_64"
  std::string kernel_release;  // as uname(2) says it
  std::string os_release;      // text of the pod's os-release(5), "" where it has none

  std::string rung;                     // "userns"
  std::vector<std::string> guarantees;  // as --require-isolation takes them
  bool directory_images = false;        // an image may be a folder of the pod
  bool suspends = false;                // jobs can be stopped and continued

  std::int64_t started = 0;  // Unix time
  std::string start;         // the operator's START; "" for true
  std::string rank;          // "" for 0.0
  Ad attributes;             // the operator's; never over those that we must be right about
};

enum class SlotKind { fixed, partitionable, dynamic };  // HTCondor's Static is a keyword
enum class SlotPhase { owner, unclaimed, claimed, preempting, drained };
enum class SlotActivity { idle, busy, suspended, retiring, vacating, killing };

// Of the job that a claimed slot has. Empty texts are left out of the ad.
struct SlotJob {
  std::string remote_user, remote_owner;  // who uses the slot; who submitted
  std::string client_machine;             // the schedd's
  std::string job_id;                     // "12.0"
  std::string global_job_id;
  std::string accounting_group;
  std::string image_digest;        // of the job's image once it is known
  std::int64_t started = 0;        // Unix time; 0: no job runs
  std::int64_t claim_started = 0;  // Unix time
  double rank = 0;                 // of the machine for this job
  Usage usage;
};

// Of a dynamic slot, for the lists on its parent.
struct ChildSlot {
  unsigned number = 0;
  Resources resources;
  SlotPhase phase = SlotPhase::claimed;
  SlotActivity activity = SlotActivity::idle;
  std::int64_t phase_since = 0;
  std::int64_t retirement_left = 0;  // seconds
  SlotJob job;
};

struct SlotState {
  SlotKind kind = SlotKind::partitionable;
  unsigned number = 0;  // of a dynamic slot, from 1
  Resources total;      // of this slot
  Resources free;       // partitionable: less what dynamic slots have; else as total
  SlotPhase phase = SlotPhase::unclaimed;
  SlotActivity activity = SlotActivity::idle;
  std::int64_t phase_since = 0, activity_since = 0;  // Unix time
  bool accepting = true;                             // false: Start is false, nothing is matched
  bool draining = false;
  std::int64_t vacate_time = 0;      // seconds that a job gets to end
  std::int64_t retirement_left = 0;  // seconds
  SlotJob job;
  std::vector<ChildSlot> children;  // of a partitionable slot
  std::vector<std::string> images;  // digests in the cache
  double load = 0;                  // of this slot
  double total_load = 0;            // of the machine
  std::int64_t now = 0;             // Unix time
  std::int64_t sequence = 0;        // of this update, growing
};

// "slot1@NAME", "slot1_3@NAME".
std::string slot_name(const Facts& facts, SlotKind kind, unsigned number);

enum class Audience {
  collector,  // a claimed slot that is not partitionable matches nothing more
  schedd,     // in the answer to a claim request: it must match the claim's next job
};
// `facts.start`, `facts.rank` and `facts.attributes` must have passed check_facts().
Ad slot_ad(const Facts& facts, const SlotState& state, Audience audience);
// Beside slot_ad() in an update: the claim that the negotiator hands out, and the session by which
// an administrator's tool may drain ("" for none).
Ad private_ad(const Facts& facts, const SlotState& state, std::string_view claim_id,
              std::string_view admin_capability);
// Expressions that cannot be evaluated here, and attributes that an operator cannot set.
Result<void> check_facts(const Facts& facts);

// START of the operator and the resources are true for this job. `slot` is from slot_ad(), for the
// schedd.
bool accepts(const Ad& slot, const Ad& job);

}  // namespace podpilot::agent::htcondor
