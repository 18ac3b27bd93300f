// SPDX-License-Identifier: Apache-2.0
// RootBuilder's tree that is made ahead of its job, beside another one whose payload may have the
// uid of this process and so change metadata of it. Everything in it is in the ledger: its links as
// files of the cache, its copies and folders as a layer of their own.
#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdio>

#include "agent/job/disk_usage.h"
#include "agent/job/root_builder.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/log.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"
#include "sandbox/flatten.h"

namespace podpilot::agent {
namespace {

std::string milliseconds_since(Clock::time_point start) {
  const std::chrono::duration<double, std::milli> took = Clock::now() - start;
  return fmt::format("{:.1f}", took.count());
}

}  // namespace

void RootBuilder::prepare(oci::Image image, const JobFolder& folder,
                          std::optional<std::uint32_t> owner, std::uint64_t room,
                          std::stop_token stop) {
  // The image's lease is held for as long as its layers are read.
  ahead_->run([this, image = std::make_shared<oci::Image>(std::move(image)),
               workspace = folder.workspace, owner, room,
               stop = std::move(stop)]() -> Worker::Task {
    // Of this thread alone (sched(7)): the payload goes first.
    constexpr int kLowest = 19;
    ::setpriority(PRIO_PROCESS, 0, kLowest);
    const std::lock_guard lock(mutex_);
    if (stop.stop_requested()) return nullptr;
    const Clock::time_point begun = Clock::now();
    Prepared next{.layers = image->layers, .owner = owner, .workspace = workspace, .root = {}};
    if (const Result<void> made = make_ahead(next, room, stop); !made) {
      log::debug("image not prepared", {{"why", made.error().text}});
      return nullptr;
    }
    log::debug("image prepared",
               {{"image", image->manifest.str()}, {"took_ms", milliseconds_since(begun)}});
    prepared_ = std::move(next);
    return nullptr;
  });
}

Result<void> RootBuilder::make_ahead(Prepared& next, std::uint64_t room,
                                     const std::stop_token& stop) {
  next.root = TRY(make(next.layers, next.workspace, next.owner, room, stop));
  const DirFd root = TRY(open_dir(next.root.path));
  next.root.bytes = disk_usage(root);  // the rest stays behind when it is taken
  return ledger_.learn(next.root.path, stop);
}

void RootBuilder::prove() {
  if (!prepared_ || prepared_->proven) return;
  const Clock::time_point begun = Clock::now();
  const Result<std::vector<std::string>> changed = ledger_.check(prepared_->root.path, {});
  prepared_->proven = changed && changed->empty();
  log::debug("prepared image looked at",
             {{"good", prepared_->proven ? "yes" : "no"}, {"took_ms", milliseconds_since(begun)}});
  if (!prepared_->proven) forget_prepared();
}

void RootBuilder::forget_prepared() {
  ledger_.forget(prepared_->root.path);
  prepared_.reset();
}

std::optional<JobRoot> RootBuilder::take_prepared(const std::vector<std::string>& layers,
                                                  const std::string& workspace,
                                                  std::optional<std::uint32_t> owner) {
  if (!prepared_ || prepared_->layers != layers || prepared_->owner != owner) return std::nullopt;
  prove();
  if (!prepared_) return std::nullopt;
  JobRoot root{.path = workspace + prepared_->root.path.substr(prepared_->workspace.size()),
               .names = prepared_->root.names,
               .bytes = prepared_->root.bytes};
  if (owner && !let_in(workspace, *owner)) return std::nullopt;
  if (::rename(prepared_->root.path.c_str(), root.path.c_str()) != 0) return std::nullopt;
  forget_prepared();
  log::debug("prepared image taken", {{"root", root.path}});
  return root;
}

void RootBuilder::drop_prepared(const JobFolder& folder, std::function<void()> done) {
  ahead_->run([this, workspace = folder.workspace, done = std::move(done)]() -> Worker::Task {
    const std::lock_guard lock(mutex_);
    if (prepared_ && prepared_->workspace == workspace) forget_prepared();
    remove_trees(workspace);
    return done;
  });
}

}  // namespace podpilot::agent
