// SPDX-License-Identifier: Apache-2.0
#include "agent/job/scratch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <vector>

#include "oci/store/filesystem.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"
#include "sandbox/base/random.h"
#include "sandbox/mountpoints.h"

namespace podpilot::agent {
namespace {

constexpr const char* kPrefix = "pilot-";
constexpr const char* kLock = "lock";
constexpr const char* kMountpoints = "mountpoints";

Result<UniqueFd> take_lock(BorrowedFd folder) {
  UniqueFd lock(::openat(folder.get(), kLock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return sys_error("open lock");
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return sys_error("flock");
  // A sweep that had it between our open and flock has removed the folder meanwhile.
  struct stat st{};
  if (::fstat(lock.get(), &st) != 0) return sys_error("fstat lock");
  if (st.st_nlink == 0) return Error{Fault::transient, "the folder is gone"};
  return lock;
}

// Between mkdir and flock a new pilot's folder looks like a dead one's: what is younger than this
// is left to the sweep of a later pilot.
constexpr std::time_t kGraceSeconds = 60;

void sweep_dead(BorrowedFd root, const std::string& own) {
  // A lock that is free here may be held on another node.
  struct statfs filesystem{};
  if (::fstatfs(root.get(), &filesystem) != 0 ||
      !oci::filesystem_of(static_cast<std::uint32_t>(filesystem.f_type)).is_local)
    return;
  const Result<std::vector<std::string>> names = list_names(root);
  if (!names) return;
  for (const std::string& name : *names) {
    if (!name.starts_with(kPrefix) || name == own) continue;
    const Result<UniqueFd> folder = open_beneath(root, name, O_RDONLY | O_DIRECTORY);
    struct stat st{};
    if (!folder || ::fstat(folder->get(), &st) != 0) continue;
    const bool has_lock = exists_at(*folder, kLock);
    if (!has_lock && st.st_mtime + kGraceSeconds > ::time(nullptr)) continue;
    const Result<UniqueFd> lock = take_lock(*folder);
    // What cannot be removed now (a disk in trouble) is tried again by the next pilot.
    if (lock) [[maybe_unused]]
      const auto removed = remove_tree(root, name);
  }
}

}  // namespace

Result<std::unique_ptr<Scratch>> Scratch::open(Poller& poller, const std::string& root,
                                               Removal removal) {
  std::unique_ptr<Scratch> scratch(new Scratch);
  scratch->root_ = TRY(make_dirs(root, 0700));
  TRY(scratch->claim_name());
  scratch->path_ = root + "/" + scratch->name_;
  scratch->mountpoints_ = root + "/" + kMountpoints;
  TRY(scratch->make_mountpoints());
  if (removal == Removal::at_once) return scratch;
  scratch->worker_ = TRY(Worker::create(poller));
  scratch->worker_->run([self = scratch.get()]() -> Worker::Task {
    sweep_dead(self->root_, self->name_);
    self->swept_.count_down();
    return [] {};
  });
  return scratch;
}

// Another pilot's sweep may hold the lock of a folder that is just being made, and removes it then.
Result<void> Scratch::claim_name() {
  constexpr int kTries = 5;
  for (int i = 0;; ++i) {
    name_ = kPrefix + random_name();
    own_ = TRY(make_dir_at(root_, name_, 0700));
    Result<UniqueFd> lock = take_lock(own_);
    if (!lock && i + 1 < kTries) continue;
    lock_ = TRY(std::move(lock));
    return {};
  }
}

// Made once for all pilots of this scratch; whole before it has its name.
Result<void> Scratch::make_mountpoints() {
  if (exists_at(root_, kMountpoints)) return {};
  const DirFd made = TRY(make_dir_at(own_, kMountpoints, 0755));
  TRY(sandbox::make_mountpoint_layer(made));
  // Another pilot may have been first: its folder is as good.
  if (::renameat(own_.get(), kMountpoints, root_.get(), kMountpoints) != 0 && errno != EEXIST &&
      errno != ENOTEMPTY)
    return sys_error("rename of the mountpoints");
  return {};
}

Scratch::~Scratch() {
  const bool swept = worker_ != nullptr;
  worker_.reset();
  if (!own_) return;
  if (!swept) sweep_dead(root_, name_);
  [[maybe_unused]] const auto removed = remove_tree(root_, name_);
}

void Scratch::finish_sweep() {
  if (worker_) return swept_.wait();
  sweep_dead(root_, name_);
}

Result<JobFolder> Scratch::make_job() {
  JobFolder folder;
  folder.name = fmt::format("job-{}", next_++);
  folder.workspace = path_ + "/" + folder.name;
  folder.mountpoints = mountpoints_;
  folder.files_path = folder.workspace + "/files";
  const DirFd workspace = TRY(make_dir_at(own_, folder.name, 0700));
  folder.files = TRY(make_dir_at(workspace, "files", 0755));
  // mkdir's mode is cut by the umask, and the payload may run as another user inside.
  if (::fchmod(folder.files.get(), 0755) != 0) return sys_error("chmod of the job's folder");
  return folder;
}

void Scratch::discard(JobFolder folder, std::function<void()> done) {
  if (!worker_) {
    [[maybe_unused]] const auto removed = remove_tree(own_, folder.name);
    return done();
  }
  worker_->run([this, name = folder.name, done = std::move(done)]() -> Worker::Task {
    [[maybe_unused]] const auto removed = remove_tree(own_, name);
    return done;
  });
}

void let_others_pass(const std::string& folder) {
  for (std::string path = folder; path.size() > 1; path = path.substr(0, path.rfind('/'))) {
    struct stat st{};
    if (::stat(path.c_str(), &st) != 0 || st.st_uid != ::geteuid()) return;
    constexpr mode_t kPass = 0011;
    if ((st.st_mode & kPass) != kPass) ::chmod(path.c_str(), (st.st_mode & 07777) | kPass);
  }
}

}  // namespace podpilot::agent
