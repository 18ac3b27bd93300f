// SPDX-License-Identifier: Apache-2.0
#include "agent/job/job_figures.h"

#include <sys/statfs.h>

#include <algorithm>
#include <ctime>

#include "agent/job/job_cgroup.h"
#include "agent/job/process_tree.h"
#include "sandbox/base/process.h"

namespace podpilot::agent {
namespace {

// CPU time of this thread: a machine that is busy makes nothing dearer.
Clock::duration thread_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::uint64_t bytes_in(const std::vector<UniqueFd>& tmpfs) {
  std::uint64_t sum = 0;
  for (const UniqueFd& fd : tmpfs) {
    struct statfs st{};
    if (::fstatfs(fd.get(), &st) != 0) continue;
    sum +=
        (st.f_blocks - std::min(st.f_blocks, st.f_bfree)) * static_cast<std::uint64_t>(st.f_bsize);
  }
  return sum;
}

// Files in a tmpfs need not be mapped, and what is mapped need not be a file in one of ours: the
// larger of the two is the least that is there, where their sum would count mapped files twice.
std::uint64_t together(const ProcessMemory& memory, std::uint64_t tmpfs) {
  return memory.anonymous + std::max(memory.shared, tmpfs);
}

JobLook look_at_cgroup(const JobHandles& job) {
  const CgroupFigures seen = read_cgroup(job.cgroup);
  JobLook out;
  out.figures.memory = seen.memory;
  out.figures.processes = seen.processes;
  out.figures.cpu_time = seen.user + seen.system;
  out.last = {.memory = seen.memory, .resident = seen.memory, .at = Clock::now(), .cost = {}};
  return out;
}

JobLook look_at_job(const LookRequest& request, const ProcessTable& table,
                    const std::optional<PodMemory>& pod) {
  JobLook out{.figures = {}, .last = request.last};
  if (request.job->cgroup) return look_at_cgroup(*request.job);
  const Result<pid_t> root = pid_of(request.job->sandbox);
  if (!root) return out;
  const ProcessTree tree = tree_of(table, *root);
  out.figures.processes = tree.threads;
  if (request.job->limits.cpu_time.count() != 0)
    out.figures.cpu_time = cpu_time(*root, tree.processes);
  const std::uint64_t tmpfs = bytes_in(request.job->tmpfs);
  const std::uint64_t sum = together(tree.resident, tmpfs);
  const Clock::time_point now = Clock::now();
  if (tree.processes.size() < 2) {
    out.last = {.memory = sum, .resident = sum, .at = now, .cost = {}};
  } else if (needs_exact_look(sum, pod, request.job->limits, request.peak, out.last, now)) {
    const Clock::duration start = thread_time();
    out.last.memory = std::min(sum, together(proportional(tree.processes), tmpfs));
    out.last.resident = sum;
    out.last.at = now;
    out.last.cost = thread_time() - start;
  } else {
    out.figures.memory = estimate(sum, pod, request.peak, out.last);
    return out;
  }
  out.figures.memory = pod ? std::min(out.last.memory, pod->used) : out.last.memory;
  return out;
}

}  // namespace

Look look_at(const std::optional<MemoryGroup>& pod, const std::vector<LookRequest>& jobs,
             Walk walk) {
  Look out;
  if (pod) out.pod = read_pod_memory(*pod);
  if (walk == Walk::no) return out;
  const Clock::duration start = thread_time();
  const bool any_without =
      std::ranges::any_of(jobs, [](const LookRequest& request) { return !request.job->cgroup; });
  const Result<ProcessTable> table = any_without ? read_processes() : ProcessTable();
  if (!table) return out;
  for (const LookRequest& request : jobs) out.jobs.push_back(look_at_job(request, *table, out.pod));
  out.cost = thread_time() - start;
  for (std::size_t i = 0; i < jobs.size(); ++i)
    if (out.jobs[i].last.at > jobs[i].last.at) out.cost -= out.jobs[i].last.cost;
  return out;
}

}  // namespace podpilot::agent
