// SPDX-License-Identifier: Apache-2.0
// The tree that a job sees where nothing can be mounted: its image's layers merged in the job's own
// folder, on a thread. Programs and libraries are links to the cache's files, all else is copied.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
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
};

class RootBuilder {
 public:
  // Poller and store outlive this.
  static Result<std::unique_ptr<RootBuilder>> create(Poller& poller, const oci::Store& store);

  using Ready = std::function<void(Result<JobRoot>)>;
  // In the job's workspace; `owner` gets the copies, where the payload has a uid of its own. The
  // caller keeps image and folder until `ready`, which comes once, on the loop. Fault::corrupt: a
  // payload has changed files of the cache.
  void build(const oci::Image& image, const JobFolder& folder, std::optional<std::uint32_t> owner,
             std::stop_token stop, Ready ready);
  // Before the folder is discarded, and after the image was let go: what an earlier build found to
  // be changed is removed from the cache then.
  void remove(const JobFolder& folder, std::function<void()> done);

 private:
  explicit RootBuilder(const oci::Store& store) : store_(store) {}
  Result<JobRoot> make(const std::vector<std::string>& layers, const std::string& workspace,
                       std::optional<std::uint32_t> owner, const std::stop_token& stop);
  Result<void> check_changed(const std::vector<std::string>& layers, const std::stop_token& stop);

  const oci::Store& store_;
  sandbox::Ledger ledger_;          // of the thread
  bool damaged_ = false;            // of the thread: the cache holds what a payload changed
  std::unique_ptr<Worker> worker_;  // last: it ends before what it uses
};

}  // namespace podpilot::agent
