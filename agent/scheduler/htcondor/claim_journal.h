// SPDX-License-Identifier: Apache-2.0
// The claims that pilots hold, for the pilot that is started after one was killed: it can tell
// their schedds that nobody serves them any more.
//
//   FOLDER/<random>   one claim: its schedd's address and the claim id (a secret), a line each;
//   mode
//                     0600; held by flock(2) while its pilot lives
//   FOLDER/.<random>  one that is being written
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/scheduler/htcondor/cedar/sinful.h"
#include "agent/scheduler/htcondor/security/claim_id.h"
#include "agent/scheduler/scheduler.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

class ClaimJournal {
 public:
  struct Orphan {
    std::string name;
    UniqueFd lock;  // with it goes the right to settle this one
    Sinful schedd;
    SecretClaimId claim_id;
  };

  // Makes the folder (0700) where it is not there.
  static Result<ClaimJournal> open(const std::string& folder);

  Result<void> add(ClaimId claim, const Sinful& schedd, const SecretClaimId& claim_id);
  void remove(ClaimId claim);

  // Of pilots that are gone. One that is not settled is found again by the next pilot. Files that
  // cannot be read, or that are a month old, are removed.
  Result<std::vector<Orphan>> orphans() const;
  void settle(const Orphan& orphan) const;

 private:
  struct Entry {
    std::string name;
    UniqueFd lock;
  };
  DirFd folder_;
  std::map<ClaimId, Entry> entries_;
};

}  // namespace podpilot::agent::htcondor
