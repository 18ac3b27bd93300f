// SPDX-License-Identifier: Apache-2.0
// The tree that a job sees where nothing can be mounted: its image's layers merged in the job's own
// folder, on a thread. Programs and libraries are links to the cache's files, all else is copied.
// One more tree can be made ahead of its job (next_root.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/job/scratch.h"
#include "agent/worker.h"
#include "oci/image.h"
#include "oci/store/store.h"
#include "sandbox/ledger.h"

namespace podpilot::agent {

struct JobRoot {
  std::string path;                // absolute
  std::vector<std::string> names;  // at its top, that hold anything
  std::uint64_t bytes = 0;         // that it takes in the job's workspace, none of them the job's
};

class RootBuilder {
 public:
  // Poller and store outlive this. With `writable_image` all is copied.
  static Result<std::unique_ptr<RootBuilder>> create(Poller& poller, const oci::Store& store,
                                                     bool writable_image);

  using Ready = std::function<void(Result<JobRoot>)>;
  // In the job's workspace, or taken from the one made ahead; `owner` gets the copies, where the
  // payload has a uid of its own. The caller keeps image and folder until `ready`, which comes
  // once, on the loop. Fault::corrupt: a payload has changed files of the cache.
  void build(const oci::Image& image, const JobFolder& folder, std::optional<std::uint32_t> owner,
             std::stop_token stop, Ready ready);
  // Before the folder is discarded, and after the image was let go: what an earlier build found to
  // be changed is removed from the cache then.
  void remove(const JobFolder& folder, std::function<void()> done);

  // Makes the tree of a later build() in a folder of its own, at the lowest priority, with copies
  // of `room` bytes at most. It serves if nothing of it was touched meanwhile, by the job that
  // runs.
  void prepare(oci::Image image, const JobFolder& folder, std::optional<std::uint32_t> owner,
               std::uint64_t room, std::stop_token stop);
  // What prepare() made there, if it was not taken. Before the folder is discarded.
  void drop_prepared(const JobFolder& folder, std::function<void()> done);

 private:
  struct Prepared {
    std::vector<std::string> layers;
    std::optional<std::uint32_t> owner;
    std::string workspace;
    JobRoot root;
    bool proven = false;  // no payload ran since the last look
  };

  RootBuilder(const oci::Store& store, bool writable_image)
      : store_(store), writable_image_(writable_image) {}
  bool is_private(const std::string& name) const;
  Result<std::vector<std::string>> arrange(BorrowedFd merged, BorrowedFd root, std::uint64_t room,
                                           const std::stop_token& stop);
  Result<JobRoot> make(const std::vector<std::string>& layers, const std::string& workspace,
                       std::optional<std::uint32_t> owner, std::uint64_t room,
                       const std::stop_token& stop);
  Result<void> make_ahead(Prepared& next, std::uint64_t room, const std::stop_token& stop);
  std::optional<JobRoot> take_prepared(const std::vector<std::string>& layers,
                                       const std::string& workspace,
                                       std::optional<std::uint32_t> owner);
  void prove();
  void forget_prepared();
  static Result<void> let_in(const std::string& workspace, std::uint32_t owner);
  void remove_trees(const std::string& workspace);
  Result<void> check_changed(const std::vector<std::string>& layers, const std::stop_token& stop);

  const oci::Store& store_;
  const bool writable_image_;
  std::mutex mutex_;  // of what follows, for as long as a tree is made or removed
  sandbox::Ledger ledger_;
  bool damaged_ = false;  // the cache holds what a payload changed
  std::optional<Prepared> prepared_;
  std::unique_ptr<Worker> worker_;  // last: they end before what they use
  std::unique_ptr<Worker> ahead_;   // for prepare()
};

}  // namespace podpilot::agent
