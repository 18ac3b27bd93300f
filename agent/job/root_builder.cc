// SPDX-License-Identifier: Apache-2.0
#include "agent/job/root_builder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "agent/job/disk_usage.h"
#include "oci/store/stored_layer.h"
#include "oci/store/verify.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/log.h"
#include "sandbox/base/path.h"
#include "sandbox/copy_entry.h"
#include "sandbox/copy_tree.h"
#include "sandbox/flatten.h"
#include "sandbox/plan.h"

namespace podpilot::agent {
namespace {

constexpr const char* kMerged = "merged";  // all of it links; what is left of it goes with the root
constexpr const char* kRoot = "root";

Result<struct stat> look_at(BorrowedFd root, const std::string& name) {
  struct stat st{};
  if (::fstatat(root.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
    return sys_error("stat " + name);
  return st;
}

Result<bool> holds_anything(BorrowedFd root, const std::string& name) {
  const UniqueFd folder = TRY(open_beneath(root, name, O_RDONLY | O_DIRECTORY));
  const std::vector<std::string> names = TRY(list_names(folder));
  return !names.empty();
}

Result<void> move(BorrowedFd from, BorrowedFd to, const std::string& name) {
  if (::renameat(from.get(), name.c_str(), to.get(), name.c_str()) != 0)
    return sys_error("move " + name);
  return {};
}

// Nothing of the job runs yet, so paths cannot change under this.
Result<void> give_to(const std::string& path, std::uint32_t owner) {
  if (::lchown(path.c_str(), owner, owner) != 0) return sys_error("chown " + path);
  std::error_code error;
  struct stat st{};
  if (::lstat(path.c_str(), &st) != 0 || !S_ISDIR(st.st_mode)) return {};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error))
    if (::lchown(entry.path().c_str(), owner, owner) != 0)
      return sys_error("chown " + entry.path().string());
  if (error) return Error{Fault::internal, fmt::format("{}: {}", path, error.message())};
  return {};
}

}  // namespace

Result<std::unique_ptr<RootBuilder>> RootBuilder::create(Poller& poller, const oci::Store& store,
                                                         bool writable_image) {
  std::unique_ptr<RootBuilder> builder(new RootBuilder(store, writable_image));
  builder->worker_ = TRY(Worker::create(poller));
  builder->ahead_ = TRY(Worker::create(poller));
  return builder;
}

void RootBuilder::build(const oci::Image& image, const JobFolder& folder,
                        std::optional<std::uint32_t> owner, std::stop_token stop, Ready ready) {
  worker_->run([this, layers = image.layers, workspace = folder.workspace, owner,
                stop = std::move(stop), ready = std::move(ready)]() -> Worker::Task {
    const std::lock_guard lock(mutex_);
    if (std::optional<JobRoot> prepared = take_prepared(layers, workspace, owner))
      return [ready, root = *std::move(prepared)] { ready(root); };
    Result<JobRoot> root = make(layers, workspace, owner, UINT64_MAX, stop);
    return [ready, root = std::move(root)] { ready(root); };
  });
}

bool RootBuilder::is_private(const std::string& name) const {
  return writable_image_ || !sandbox::is_shared(name);
}

Result<std::vector<std::string>> RootBuilder::arrange(BorrowedFd merged, BorrowedFd root,
                                                      std::uint64_t room,
                                                      const std::stop_token& stop) {
  std::vector<std::string> shown;
  const std::vector<std::string> names = TRY(list_names(merged));
  for (const std::string& name : names) {
    if (std::ranges::find(sandbox::kNotShown, name) != sandbox::kNotShown.end()) continue;
    const struct stat st = TRY(look_at(merged, name));
    if (S_ISDIR(st.st_mode)) {
      const bool anything = TRY(holds_anything(merged, name));
      if (!anything) continue;
    }
    if (!is_private(name)) {
      TRY(move(merged, root, name));
    } else if (S_ISDIR(st.st_mode)) {
      const sandbox::TreeStats copied =
          TRY(sandbox::copy_tree(merged, name, root, stop, ledger_, room));
      room -= copied.copied_bytes;
    } else {
      const auto size = static_cast<std::uint64_t>(st.st_size);
      if (size > room) return Error{Fault::exhausted, name + ": no room for a copy"};
      TRY(sandbox::copy_entry(merged, root, name.c_str(), stop, ledger_));
      room -= size;
    }
    shown.push_back(name);
  }
  // Links that lead out of their own folder ("../proc/self/mounts" in /etc) find these beside it.
  for (const std::string_view name : sandbox::kNotShown)
    if (::symlinkat(fmt::format("/{}", name).c_str(), root.get(), std::string(name).c_str()) != 0)
      return sys_error(fmt::format("symlink {}", name));
  return shown;
}

Result<JobRoot> RootBuilder::make(const std::vector<std::string>& layers,
                                  const std::string& workspace, std::optional<std::uint32_t> owner,
                                  std::uint64_t room, const std::stop_token& stop) {
  ledger_.forget_replaced();  // gc goes on meanwhile
  const DirFd folder = TRY(open_dir(workspace));
  const DirFd merged = TRY(make_dir_at(folder, kMerged, 0755));
  const DirFd root = TRY(make_dir_at(folder, kRoot, 0755));
  const sandbox::TreeStats stats =
      TRY(sandbox::flatten(layers, workspace + "/" + kMerged, stop, ledger_, room)
              .within("merge layers"));
  if (!stats.changed.empty()) TRY(check_changed(layers, stop));
  JobRoot made{.path = workspace + "/" + kRoot, .names = {}, .bytes = 0};
  made.names = TRY(arrange(merged, root, room - stats.copied_bytes, stop).within("private copies"));
  made.bytes = disk_usage(root) + disk_usage(merged);
  if (!owner) return made;
  TRY(let_in(workspace, *owner));
  for (const std::string& name : made.names)
    if (is_private(name)) TRY(give_to(made.path + "/" + name, *owner));
  return made;
}

// Times and attributes may have been played with; what the layers were verified as decides.
Result<void> RootBuilder::check_changed(const std::vector<std::string>& layers,
                                        const std::stop_token& stop) {
  for (const std::string& path : layers) {
    const std::vector<std::string> changed = TRY(ledger_.check(path, stop));
    if (changed.empty()) continue;
    const DirFd layer = TRY(open_dir(path.substr(0, path.rfind('/'))));
    const Result<std::vector<std::string>> damage = oci::find_damage(layer, 1);
    if (!damage || !damage->empty()) {
      damaged_ = true;
      return Error{Fault::corrupt,
                   fmt::format("a job has changed {} in the cache", changed.front())};
    }
    for (const std::string& file : changed) TRY(ledger_.accept(path, file));
  }
  return {};
}

Result<void> RootBuilder::let_in(const std::string& workspace, std::uint32_t owner) {
  let_others_pass(workspace);
  return give_to(workspace + "/files", owner);
}

void RootBuilder::remove_trees(const std::string& workspace) {
  const Result<DirFd> parent = open_dir(workspace);
  // What is left is removed with the job's folder, and differs from the ledger then: it is looked
  // at again.
  for (const char* name : {kMerged, kRoot})
    if (parent) [[maybe_unused]]
      const auto removed = sandbox::remove_flattened(*parent, name, ledger_);
}

void RootBuilder::remove(const JobFolder& folder, std::function<void()> done) {
  worker_->run([this, workspace = folder.workspace, done = std::move(done)]() -> Worker::Task {
    const std::lock_guard lock(mutex_);
    prove();  // holds until the next payload
    remove_trees(workspace);
    if (!damaged_) return done;
    damaged_ = false;
    ledger_ = {};
    const auto report = oci::verify_store(store_.layout(), oci::Repair::remove_damaged);
    log::warning("a job changed files of the cache",
                 {{"removed layers", fmt::format("{}", report ? report->damaged.size() : 0)}});
    return done;
  });
}

}  // namespace podpilot::agent
