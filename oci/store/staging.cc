// SPDX-License-Identifier: Apache-2.0
#include "oci/store/staging.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>

#include "oci/store/layout.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"

namespace podpilot::oci {
namespace {

constexpr std::string_view kLockSuffix = ".lock";

std::string unique_name() {
  static std::atomic<unsigned> serial{0};
  // Pids repeat across pods that share a cache; the clock tells them apart, and O_EXCL by mkdir
  // decides where it does not.
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return fmt::format("{}-{}-{}", now, ::getpid(), serial++);
}

std::string lock_name(const std::string& name) {
  return name + std::string(kLockSuffix);
}

}  // namespace

Result<Staging> Staging::create(BorrowedFd folder) {
  for (;;) {
    std::string name = unique_name();
    // The lock before the folder: a folder without one is nobody's.
    std::optional<FileLock> lock =
        TRY(FileLock::try_acquire(folder, lock_name(name), FileLock::Mode::exclusive));
    if (!lock) continue;
    if (::mkdirat(folder.get(), name.c_str(), 0700) != 0) {
      if (errno == EEXIST) continue;
      return sys_error("mkdir staging");
    }
    Staging staging(folder, std::move(name), *std::move(lock));
    staging.dir_ = TRY(make_dir_at(folder, staging.name_, 0700));
    return staging;
  }
}

Staging::~Staging() {
  if (!lock_) return;  // moved from
  (void)remove_tree(folder_, name_);
  lock_.remove_file(folder_, lock_name(name_));
}

Result<void> Staging::commit(BorrowedFd to, const std::string& name) {
  if (::renameat(folder_.get(), name_.c_str(), to.get(), name.c_str()) == 0) return {};
  if (errno == EEXIST || errno == ENOTEMPTY) return {};
  return sys_error("rename to " + name);
}

Result<Staging> Staging::take_away(BorrowedFd staging, BorrowedFd from, const std::string& name) {
  Staging bin = TRY(create(staging));
  if (::renameat(from.get(), name.c_str(), bin.dir().get(), "discarded") != 0 && errno != ENOENT)
    return sys_error("rename " + name);
  return bin;
}

Result<void> Staging::put_file(BorrowedFd staging, BorrowedFd to, const std::string& name,
                               std::string_view bytes) {
  constexpr const char* kFile = "file";
  const Staging made = TRY(create(staging));
  UniqueFd file = TRY(open_beneath(made.dir(), kFile, O_WRONLY | O_CREAT | O_EXCL, 0600));
  TRY(write_all(file, bytes).within(name));
  if (::renameat(made.dir().get(), kFile, to.get(), name.c_str()) != 0)
    return sys_error("rename to " + name);
  return {};
}

Result<void> clean_staging(BorrowedFd folder) {
  const std::vector<std::string> names = TRY(list_names(folder));
  for (const std::string& entry : names) {
    std::string name = entry;
    if (name.ends_with(kLockSuffix)) name.resize(name.size() - kLockSuffix.size());
    const std::optional<FileLock> lock =
        TRY(FileLock::try_acquire(folder, lock_name(name), FileLock::Mode::exclusive));
    if (!lock) continue;
    TRY(remove_tree(folder, name).within("leftover " + name));
    lock->remove_file(folder, lock_name(name));
  }
  return {};
}

}  // namespace podpilot::oci
