// SPDX-License-Identifier: Apache-2.0
// The ads that a pilot's slots have in the collector. Pure: all that they say is in the arguments.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/job/description.h"
#include "agent/scheduler/htcondor/classad/ad.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// Of the pod and the operator's wishes: the same for all slots of a pilot.
struct Facts {
  std::string name;            // of the startd, unique in the pool: slots are slot1@NAME
  std::string machine;         // the pod's host name
  std::string address;         // sinful
  std::string domain;          // unique per pod: it shares no files and no accounts with others
  std::string condor_version;  // cedar/peer_version.h
  std::string version;         // podpilot's own
  Resources total;             // memory and disk must be said

  std::string arch;            // as uname(2) has it: "x86_64"
  std::string kernel_release;  // as uname(2) has it
  std::string os_release;      // text of the pod's os-release(5), "" where it has none

  std::string rung;                     // "userns"
  std::string users = "any";            // "one": the pod serves the first submitter only
  std::vector<std::string> guarantees;  // as --require-isolation takes them
  bool directory_images = false;        // an image may be a folder of the pod
  bool reconnects = false;              // a shadow may come back to a job that it lost

  std::int64_t started = 0;   // Unix time
  std::int64_t lifetime = 0;  // seconds that collectors keep an ad without an update; 0: theirs
  std::string runnable;       // what jobs podpilot can run (job_ad.h); "" for all
  std::string start;          // the operator's START; "" for true
  std::string rank;           // the operator's RANK; "" for 0.0
  Ad attributes;              // the operator's
  // The session by which an administrator's tools may drain, for collectors only: a secret.
  std::string admin_capability;
};

enum class SlotKind { fixed, partitionable, dynamic };  // the first is HTCondor's "Static"
enum class SlotPhase { owner, unclaimed, matched, claimed, preempting, drained };  // State
enum class SlotActivity { idle, busy, suspended, retiring, vacating, killing };

// Who has a claimed slot, and its job. Empty texts are left out of the ad.
struct SlotUse {
  std::string remote_user, remote_owner;  // who is charged; who submitted
  std::string schedd, client_machine;
  std::string accounting_group;
  double rank = 0;                 // of the slot for this claim
  std::int64_t claim_started = 0;  // Unix time
  std::string job_id;              // "12.0"; "" between jobs
  std::string global_job_id;
  std::string image_digest;      // once it is known
  std::int64_t job_started = 0;  // Unix time
  Usage usage;
};

struct SlotState {
  SlotKind kind = SlotKind::partitionable;
  unsigned number = 0;  // of a dynamic slot, from 1; never used again
  Resources total;      // what this slot was made with
  Resources free;       // partitionable: less what dynamic slots have; else as total
  SlotPhase phase = SlotPhase::unclaimed;
  SlotActivity activity = SlotActivity::idle;
  std::int64_t phase_since = 0, activity_since = 0;  // Unix time
  bool accepting = true;                             // false: Start is false, nothing matches
  bool draining = false;
  std::int64_t vacate_time = 0;     // seconds that a job gets to end
  std::int64_t retirement = 0;      // seconds that a job gets before that where the pilot drains
  std::uint64_t job_starts = 0;     // since the pilot began
  std::uint64_t recent_starts = 0;  // in the last 20 minutes
  SlotUse use;
  std::vector<SlotState> children;         // dynamic slots of a partitionable one
  std::vector<std::string> cached_images;  // digests
  double load = 0, total_load = 0;         // of this slot's jobs; of the machine
  std::int64_t now = 0;                    // Unix time
  std::int64_t sequence = 0;               // of this update, growing
};

// "slot1@NAME", "slot1_3@NAME".
std::string slot_name(const Facts& facts, SlotKind kind, unsigned number);

// Expressions that cannot be evaluated here, and attributes that are not the operator's to say.
Result<void> check_facts(const Facts& facts);

enum class Audience {
  collector,  // a claimed slot that is not partitionable matches nothing more
  schedd,     // in the answer to a claim request: it must match the claim's next job
};
// `facts` have passed check_facts().
Ad slot_ad(const Facts& facts, const SlotState& state, Audience audience);

// The pilot's own, by which administrators' tools find it; `offered` is the slot that it offers, or
// would offer.
Ad daemon_ad(const Facts& facts, const SlotState& offered);

// Goes with slot_ad() in an update: the claim that the negotiator hands out.
Ad private_ad(const Facts& facts, const SlotState& state, std::string_view claim_id);

// The slot's Requirements, as for a schedd, are true for this job; the job's own were the
// negotiator's to look at.
bool accepts(const Facts& facts, const SlotState& state, const Ad& job);

}  // namespace podpilot::agent::htcondor
