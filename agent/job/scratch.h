// SPDX-License-Identifier: Apache-2.0
// The folders in which jobs live while they run, below one root (--scratch):
//
//   ROOT/mountpoints/             lowest layer of every sandbox (sandbox/mountpoints.h)
//   ROOT/pilot-<random>/lock      held by flock(2) while its pilot lives
//   ROOT/pilot-<random>/job-<n>/  workspace of the sandbox and, in files/, the job's own folder
//
// A pilot that was killed leaves its folder with a free lock: the next one removes it.
#pragma once

#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <string>

#include "agent/worker.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/poller.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

struct JobFolder {
  std::string name;         // below the pilot's folder
  std::string workspace;    // absolute; for sandbox::Spec
  std::string files_path;   // absolute; what the payload sees as its scratch
  std::string mountpoints;  // absolute; the lowest layer
  DirFd files;
};

// Large folders take seconds to remove, in which a pilot's loop has other jobs to serve. A single
// run has none: it saves the thread, and sweeps only when its job is over.
enum class Removal { on_thread, at_once };

class Scratch {
 public:
  // Makes ROOT (mode 0700) where it is not there, and sweeps what dead pilots left.
  static Result<std::unique_ptr<Scratch>> open(Poller& poller, const std::string& root,
                                               Removal removal);
  // Removes this pilot's folder; waits for removals under way.
  ~Scratch();

  // Returns once what dead pilots left is gone, as far as it can be removed.
  void finish_sweep();

  Result<JobFolder> make_job();
  // Removes it; `done` comes on the loop (with at_once before this returns), also where something
  // could not be removed.
  void discard(JobFolder folder, std::function<void()> done);

 private:
  Scratch() = default;
  Result<void> claim_name();
  Result<void> make_mountpoints();
  DirFd root_;
  std::string name_;
  std::string path_;
  std::string mountpoints_;
  DirFd own_;
  UniqueFd lock_;
  std::uint64_t next_ = 1;
  std::latch swept_{1};
  std::unique_ptr<Worker> worker_;  // none: removals are at once
};

// For a payload with a uid of its own, which must get through to its folder: of this folder and of
// those above it, as far as they are ours, names that are known can be reached by everybody.
void let_others_pass(const std::string& folder);

}  // namespace podpilot::agent
