// SPDX-License-Identifier: Apache-2.0
#include "agent/sandbox_choice.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "agent/job/scratch.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/kernel.h"
#include "sandbox/base/log.h"
#include "sandbox/base/path.h"
#include "sandbox/landlock.h"

namespace podpilot::agent {
namespace {

using sandbox::Rung;

constexpr const char* kMemo = "sandbox";
constexpr const char* kRootLock = "root.lock";
constexpr const char* kFilesLock = "files.lock";

Result<UniqueFd> lock_root(const sandbox::Layout& layout, const std::string& scratch) {
  const std::string folder =
      layout.live.empty() ? scratch : layout.live.substr(0, layout.live.rfind('/'));
  const std::string path = folder + "/" + kRootLock;
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return sys_error("open " + path);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return sys_error("flock " + path);
  return Error{Fault::unsupported,
               "another podpilot uses this pod's root for its jobs; one at a time can"};
}

// Jobs of the pilot's uid, in its mount namespace, whose calls nobody carries out: modes, times and
// attributes of all that this uid owns are theirs to change.
bool exposes_files(const sandbox::Pod& pod) {
  return sandbox::serves_one_user(pod.rung) && !pod.carries_out;
}

Result<UniqueFd> lock_files(const std::string& folder, bool exposed) {
  const std::string path = folder + "/" + kFilesLock;
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  // Nothing that a job could change.
  if (!lock && (errno == EROFS || errno == ENOENT || errno == ENOTDIR)) return lock;
  if (!lock) return sys_error("open " + path);
  if (::flock(lock.get(), (exposed ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return sys_error("flock " + path);
  return Error{
      Fault::unsupported,
      exposed
          ? folder + " is another podpilot's, too, and jobs here could change its files' metadata"
          : folder + " is another podpilot's, too, whose jobs can change its files' metadata"};
}

Result<std::vector<UniqueFd>> lock_all_files(const sandbox::Pod& pod, const std::string& scratch,
                                             const SandboxWish& wish) {
  std::vector<UniqueFd> locks;
  for (const std::string& folder : std::set{wish.cache, scratch}) {
    UniqueFd lock = TRY(lock_files(folder, exposes_files(pod)));
    locks.push_back(std::move(lock));
  }
  return locks;
}

// What decides over what is allowed: this mount namespace, in this boot, for this user.
std::string whereabouts() {
  struct stat mounts{};
  if (::stat("/proc/self/ns/mnt", &mounts) != 0) return "";
  const std::string boot = boot_id();
  if (boot.empty()) return "";
  return fmt::format("{} {} {}\n", mounts.st_ino, ::geteuid(), boot);
}

}  // namespace

std::string judge(const sandbox::Trial& trial, const SandboxWish& wish) {
  if (!trial.works) return trial.refusal;
  const sandbox::Guarantees missing =
      sandbox::guarantees_of(trial.pod.rung, trial.pod.landlock_abi, trial.pod.carries_out,
                             trial.pod.holds_memory)
          .missing(wish.required);
  if (missing.empty()) return "";
  return fmt::format("works, but does not give {}, which --require-isolation asks for",
                     missing.text());
}

Result<LockedTrial> try_rung_alone(sandbox::Launcher& launcher, Rung rung,
                                   const std::string& scratch, const SandboxWish& wish) {
  LockedTrial locked;
  if (sandbox::uses_pod_root(rung)) {
    const sandbox::Layout layout = TRY(sandbox::discover_layout());
    const std::vector<sandbox::Mount> mounts = TRY(sandbox::read_mountinfo());
    for (const std::string& folder : wish.folders) {
      if (!sandbox::is_shown(layout, mounts, folder)) continue;
      locked.trial.pod.rung = rung;
      locked.trial.pod.uid = ::geteuid();
      locked.trial.refusal = folder + " lies where jobs would see their image";
      return locked;
    }
    locked.root_lock = TRY(lock_root(layout, scratch));
    if (rung == Rung::transplant_setuid && ::geteuid() == 0) let_others_pass(scratch);
  }
  locked.trial = TRY(sandbox::try_rung(launcher, rung, scratch));
  locked.trial.pod.holds_memory = wish.holds_memory;
  if (!locked.trial.works) return locked;
  Result<std::vector<UniqueFd>> files = lock_all_files(locked.trial.pod, scratch, wish);
  if (!files && files.error().fault != Fault::unsupported) return std::move(files).error();
  locked.trial.works = files.has_value();
  if (files)
    locked.file_locks = *std::move(files);
  else
    locked.trial.refusal = files.error().text;
  return locked;
}

Result<SandboxChoice> choose_sandbox(sandbox::Launcher& launcher, const std::string& scratch,
                                     const SandboxWish& wish) {
  std::string refusals;
  for (const Rung rung : sandbox::kLadder) {
    if (wish.rung && *wish.rung != rung) continue;
    auto [trial, root_lock, file_locks] = TRY(try_rung_alone(launcher, rung, scratch, wish));
    const std::string against = judge(trial, wish);
    if (against.empty())
      return SandboxChoice{.pod = std::move(trial.pod),
                           .root_lock = std::move(root_lock),
                           .file_locks = std::move(file_locks)};
    refusals += fmt::format("{}{}: {}", refusals.empty() ? "" : "; ", to_string(rung), against);
    log::debug("rung", {{"rung", std::string(to_string(rung))}, {"refused", against}});
  }
  return Error{Fault::unsupported, fmt::format("no sandbox in this pod: {}", refusals)};
}

Result<SandboxChoice> recall_or_choose_sandbox(sandbox::Launcher& launcher,
                                               const std::string& scratch,
                                               const SandboxWish& wish) {
  const DirFd folder = TRY(open_dir(scratch));
  const std::string here = whereabouts();
  // Only the rung without a layout and a lock can be had without a look.
  const bool fits = !wish.rung || *wish.rung == Rung::userns;
  const int abi = sandbox::landlock_abi();
  if (fits && !here.empty() &&
      sandbox::guarantees_of(Rung::userns, abi, false, wish.holds_memory)
          .missing(wish.required)
          .empty()) {
    const Result<std::string> memo = read_file_at(folder, kMemo, 1024);
    if (memo && *memo == here) {
      SandboxChoice choice{.pod = {.rung = Rung::userns,
                                   .layout = {},
                                   .landlock_abi = abi,
                                   .carries_out = false,
                                   .holds_memory = wish.holds_memory,
                                   .uid = ::geteuid(),
                                   .gid = ::getegid()},
                           .root_lock = {},
                           .file_locks = {}};
      choice.file_locks = TRY(lock_all_files(choice.pod, scratch, wish));
      return choice;
    }
  }
  SandboxChoice choice = TRY(choose_sandbox(launcher, scratch, wish));
  if (choice.pod.rung == Rung::userns && !here.empty()) [[maybe_unused]]
    const auto kept = replace_file_at(folder, kMemo, here, 0600, Durable::no);
  return choice;
}

}  // namespace podpilot::agent
