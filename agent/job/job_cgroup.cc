// SPDX-License-Identifier: Apache-2.0
#include "agent/job/job_cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "agent/memory_cgroup.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/process.h"
#include "sandbox/base/text.h"
#include "sandbox/clone_into.h"

namespace podpilot::agent {
namespace {

constexpr std::size_t kMaxText = 64 << 10;
constexpr const char* kPilots = "podpilot";
constexpr std::string_view kJobs = "podpilot-job-";  // PID-NUMBER
constexpr const char* kProcs = "cgroup.procs";
constexpr const char* kControl = "cgroup.subtree_control";

Result<void> set(BorrowedFd group, const char* file, std::string_view value) {
  const UniqueFd fd(::openat(group.get(), file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return sys_error(fmt::format("open {}", file));
  return write_all(fd, value).within(file);
}

std::string get(BorrowedFd group, const char* file) {
  return read_file_at(group, file, kMaxText).value_or("");
}

bool has_word(std::string_view text, std::string_view word) {
  const auto words = split(text.substr(0, text.find('\n')), ' ');
  return std::ranges::find(words, word) != words.end();
}

// Until nobody comes any more: a process may fork while the list is read.
Result<void> move_all(BorrowedFd from, BorrowedFd to) {
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    const std::string procs = get(from, kProcs);
    if (procs.empty()) return {};
    for (const std::string_view pid : split(procs, '\n')) {
      // One that has ended meanwhile is not there (ESRCH); all else is met again.
      if (pid.empty()) continue;
      const Result<void> moved = set(to, kProcs, pid);
      if (!moved && round + 1 == kRounds) return moved;
    }
  }
  return {};
}

// A view of the cgroups that nobody has made read-only, in no place. For root of the pod's user
// namespace (CAP_SYS_ADMIN).
Result<DirFd> mount_fresh() {
  const UniqueFd context(static_cast<int>(::syscall(SYS_fsopen, "cgroup2", 1 /* CLOEXEC */)));
  if (!context) return sys_error("fsopen of cgroup2");
  constexpr int kCreate = 6;  // FSCONFIG_CMD_CREATE
  if (::syscall(SYS_fsconfig, context.get(), kCreate, nullptr, nullptr, 0) != 0)
    return sys_error("fsconfig of cgroup2");
  DirFd root(static_cast<int>(::syscall(SYS_fsmount, context.get(), 1 /* CLOEXEC */, 0)));
  if (!root) return sys_error("fsmount of cgroup2");
  return root;
}

// cgroups(7): "0::/path", as the cgroup namespace has it.
Result<std::string> own_path(std::string_view cgroup) {
  for (const std::string_view line : split(cgroup, '\n'))
    if (line.starts_with("0::/")) return std::string(line.substr(3));
  return Error{Fault::unsupported, "this process is in no group of version 2"};
}

// The group that a podpilot before this one left us in is not the pod's.
std::string pods_own(std::string path) {
  const std::string ending = std::string("/") + kPilots;
  if (path.ends_with(ending)) path.resize(path.size() - ending.size());
  return path.empty() ? "/" : path;
}

// The root of the pod's own namespace, or a part of the machine's tree that was given to this user:
// nobody else expects anything of who is in it.
Result<void> check(BorrowedFd group, const std::string& path) {
  struct stat st{};
  if (::fstat(group.get(), &st) != 0) return sys_error("fstat of the pod's group");
  if (path != "/" && (::geteuid() == 0 || st.st_uid != ::geteuid()))
    return Error{Fault::unsupported, fmt::format("{} was not given to this user", path)};
  if (!has_word(get(group, "cgroup.controllers"), "memory"))
    return Error{Fault::unsupported, "the pod's group has no controller of memory"};
  // Only the root of the whole hierarchy lacks it (cgroup-v2.rst), and it is not a pod's.
  if (get(group, "cgroup.type").empty())
    return Error{Fault::unsupported, "the machine's own root group"};
  return {};
}

}  // namespace

std::uint64_t keyed_value(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, '\n'))
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ')
      return parse_number(line.substr(key.size() + 1)).value_or(0);
  return 0;
}

unsigned cpu_weight(unsigned cpus) {
  constexpr unsigned kOne = 100;
  constexpr unsigned kMost = 10'000;
  return std::clamp(cpus, 1U, kMost / kOne) * kOne;
}

CgroupFigures read_cgroup(BorrowedFd folder) {
  CgroupFigures out;
  const std::string memory = get(folder, "memory.stat");
  out.memory = keyed_value(memory, "anon") + keyed_value(memory, "shmem");
  const std::string pids = get(folder, "pids.current");
  const auto number = parse_number(std::string_view(pids).substr(0, pids.find('\n'))).value_or(0);
  out.processes = number > 1 ? static_cast<unsigned>(number - 1) : 0;
  const std::string cpu = get(folder, "cpu.stat");
  out.user = std::chrono::microseconds(keyed_value(cpu, "user_usec"));
  out.system = std::chrono::microseconds(keyed_value(cpu, "system_usec"));
  return out;
}

bool JobCgroup::out_of_memory() const {
  // A read through the descriptor that is polled takes the event back.
  char text[512];
  const ssize_t size = ::pread(events_.get(), text, sizeof text, 0);
  return size > 0 && keyed_value({text, static_cast<std::size_t>(size)}, "oom_kill") != 0;
}

JobCgroup::~JobCgroup() {
  if (!folder_) return;
  // Nobody is left but where a supervisor died; what cannot be removed now is swept up later.
  [[maybe_unused]] const auto killed = set(folder_, "cgroup.kill", "1");
  ::unlinkat(parent_.get(), name_.c_str(), AT_REMOVEDIR);
}

Result<PodCgroup> PodCgroup::take() {
  const std::vector<sandbox::Mount> mounts = TRY(sandbox::read_mountinfo());
  const std::string cgroup = TRY(read_file("/proc/self/cgroup", kMaxText));
  const std::string own = TRY(own_path(cgroup));
  const std::string path = pods_own(own);
  const std::vector<MemoryGroup> groups = memory_groups(mounts, cgroup);
  const auto at_its_mount = [&]() -> Result<PodCgroup> {
    if (groups.empty() || groups.front().version != CgroupVersion::v2)
      return Error{Fault::unsupported,
                   "no cgroup of version 2 with a controller of memory is mounted"};
    DirFd mounted = TRY(open_dir(pods_own(groups.front().folder)));
    return settle(std::move(mounted), path);
  };
  Result<PodCgroup> taken = at_its_mount();
  if (taken) return taken;
  const Result<DirFd> root = mount_fresh();
  if (!root) return taken;
  const std::string below = path == "/" ? "." : path.substr(1);
  UniqueFd fresh = TRY(open_beneath(*root, below, O_RDONLY | O_DIRECTORY));
  return settle(DirFd(std::move(fresh)), path);
}

Result<PodCgroup> PodCgroup::settle(DirFd folder, const std::string& path) {
  TRY(check(folder, path));
  DirFd pilots = TRY(make_dir_at(folder, kPilots, 0755));
  if (::flock(pilots.get(), LOCK_SH) != 0) return sys_error("flock of the pilots' group");
  PodCgroup pod(std::move(folder), std::move(pilots));
  TRY(pod.enable());
  return pod;
}

Result<void> PodCgroup::enable() {
  TRY(move_all(folder_, pilots_));
  TRY(set(folder_, kControl, "+memory"));
  pids_ = set(folder_, kControl, "+pids").has_value();
  cpu_ = set(folder_, kControl, "+cpu").has_value();
  sweep();
  return try_out();
}

PodCgroup::~PodCgroup() {
  if (!folder_ || ::flock(pilots_.get(), LOCK_EX | LOCK_NB) != 0) return;
  // Whatever of this does not work leaves a group more than before, which is of use to the next.
  for (const char* controller : {"-cpu", "-pids", "-memory"}) [[maybe_unused]]
    const auto disabled = set(folder_, kControl, controller);
  [[maybe_unused]] const auto back = move_all(pilots_, folder_);
  ::unlinkat(folder_.get(), kPilots, AT_REMOVEDIR);
}

Result<void> PodCgroup::try_out() {
  const JobCgroup job = TRY(make({.memory = 16 << 20, .processes = 1, .cpus = 1}));
  UniqueFd pidfd;
  const long child = sandbox::clone_into(0, pidfd, job.folder());
  if (child == 0) ::_exit(0);
  if (child < 0) return sys_error("a process in a group");
  while (::waitpid(static_cast<pid_t>(child), nullptr, 0) < 0)
    if (errno != EINTR) return sys_error("wait for a child in a group");
  return {};
}

// What a pilot left that was killed.
void PodCgroup::sweep() const {
  const Result<std::vector<std::string>> names = list_names(folder_);
  if (!names) return;
  for (const std::string& name : *names) {
    if (!name.starts_with(kJobs)) continue;
    const std::string_view rest = std::string_view(name).substr(kJobs.size());
    const auto pid = parse_number(rest.substr(0, rest.find('-')));
    if (!pid ||
        (static_cast<pid_t>(*pid) != ::getpid() && ::kill(static_cast<pid_t>(*pid), 0) == 0))
      continue;
    ::unlinkat(folder_.get(), name.c_str(), AT_REMOVEDIR);
  }
}

Result<JobCgroup> PodCgroup::make(const CgroupLimits& limits) {
  const std::string name = fmt::format("{}{}-{}", kJobs, ::getpid(), next_++);
  if (::mkdirat(folder_.get(), name.c_str(), 0755) != 0) return sys_error("make a job's group");
  UniqueFd parent = TRY(duplicate(folder_));
  UniqueFd folder(::openat(folder_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return sys_error("open a job's group");
  JobCgroup job(std::move(parent), name, DirFd(std::move(folder)), UniqueFd());
  if (limits.memory != 0) {
    TRY(set(job.folder_, "memory.max", fmt::format("{}", limits.memory)));
    // Swap is no more of a job's memory; without the controller of swap there is no such file.
    [[maybe_unused]] const auto no_swap = set(job.folder_, "memory.swap.max", "0");
  }
  constexpr unsigned kSupervisor = 1;
  if (limits.processes != 0 && pids_)
    TRY(set(job.folder_, "pids.max", fmt::format("{}", limits.processes + kSupervisor)));
  if (cpu_) TRY(set(job.folder_, "cpu.weight", fmt::format("{}", cpu_weight(limits.cpus))));
  job.events_.reset(::openat(job.folder_.get(), "memory.events", O_RDONLY | O_CLOEXEC));
  if (!job.events_) return sys_error("open memory.events");
  return job;
}

std::string PodCgroup::text() const {
  return fmt::format("memory{}{}", pids_ ? ",pids" : "", cpu_ ? ",cpu" : "");
}

}  // namespace podpilot::agent
