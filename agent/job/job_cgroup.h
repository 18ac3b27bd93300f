// SPDX-License-Identifier: Apache-2.0
// A control group for each job (cgroups(7), version 2), where the pod's own group can be written
// to: there the kernel holds limits and keeps accounts. Nothing of it is kept on disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

struct CgroupLimits {
  std::uint64_t memory = 0;  // bytes, page cache included; 0: none
  unsigned processes = 0;    // and threads, beside the job's supervisor; 0: none
  unsigned cpus = 0;         // share of the CPUs when all are busy; 0: as one
};

struct CgroupFigures {
  std::uint64_t memory = 0;  // bytes, anonymous and shared; no page cache
  unsigned processes = 0;    // less the supervisor
  std::chrono::microseconds user{0};
  std::chrono::microseconds system{0};
};

// Pure. The value of `key` in a flat keyed file ("anon 4096\nfile 0\n"); 0 where there is none.
std::uint64_t keyed_value(std::string_view text, std::string_view key);
// Pure. What cpu.weight(1..10000, default 100) becomes.
unsigned cpu_weight(unsigned cpus);

// One job's. Its destructor kills whoever is left in it and removes it.
class JobCgroup {
 public:
  JobCgroup(JobCgroup&&) noexcept = default;
  JobCgroup& operator=(JobCgroup&&) = delete;
  ~JobCgroup();

  BorrowedFd folder() const { return folder_; }
  // POLLPRI: something happened to its memory, see out_of_memory().
  BorrowedFd events() const { return events_; }
  // The kernel killed a process at the limit.
  bool out_of_memory() const;

 private:
  friend class PodCgroup;
  JobCgroup(UniqueFd parent, std::string name, DirFd folder, UniqueFd events)
      : parent_(std::move(parent)),
        name_(std::move(name)),
        folder_(std::move(folder)),
        events_(std::move(events)) {}

  UniqueFd parent_;
  std::string name_;
  DirFd folder_;
  UniqueFd events_;
};

// Of a JobCgroup's folder; may be called on any thread.
CgroupFigures read_cgroup(BorrowedFd folder);

// The pod's own group. Its destructor gives it back as it was, unless another podpilot uses it.
class PodCgroup {
 public:
  // Takes it over, if that can be done: since a group with limits below it may hold no processes
  // itself, this one and all beside it move to a group "podpilot" below. Then tries it with a child
  // in a group like a job's. An Error says what is missing. Call it before threads.
  static Result<PodCgroup> take();
  PodCgroup(PodCgroup&&) noexcept = default;
  PodCgroup& operator=(PodCgroup&&) = delete;
  ~PodCgroup();

  // One that cannot be had with all its limits is an Error.
  Result<JobCgroup> make(const CgroupLimits& limits);

  std::string text() const;  // what the kernel holds: "memory,pids,cpu"

 private:
  PodCgroup(DirFd folder, DirFd pilots) : folder_(std::move(folder)), pilots_(std::move(pilots)) {}
  static Result<PodCgroup> settle(DirFd folder, const std::string& path);
  Result<void> enable();
  Result<void> try_out();
  void sweep() const;

  DirFd folder_;
  DirFd pilots_;  // "podpilot"; whoever uses it holds a shared flock(2)
  bool pids_ = false;
  bool cpu_ = false;
  std::uint64_t next_ = 0;
};

}  // namespace podpilot::agent
