// SPDX-License-Identifier: Apache-2.0
// Which image's tree is made beside a running job, where the pod's root shows one at a time: what
// the scheduler says comes next, else once more what runs, since jobs come in clusters. Only images
// that are in the cache: pilots that see the same queue would all pull what one of them will run.
// Lives on the poll loop.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/job/root_builder.h"
#include "agent/job/scratch.h"
#include "oci/store/store.h"

namespace podpilot::agent {

class NextRoot {
 public:
  // All outlive this.
  NextRoot(RootBuilder& roots, Scratch& scratch, oci::Store& store)
      : roots_(roots), scratch_(scratch), store_(store) {}
  ~NextRoot();
  NextRoot(const NextRoot&) = delete;
  NextRoot& operator=(const NextRoot&) = delete;

  // Bytes of disk that no job was promised.
  void lend(std::uint64_t room) { room_ = room; }

  // A job was taken: what was made for another image makes way before its pull. Images as jobs
  // name them.
  void begins(const std::string& image);
  // Its payload runs; `owner` of the next job's tree as of RootBuilder::build().
  void runs(const std::string& image, std::optional<std::uint32_t> owner);
  void ended() { running_.clear(); }
  // "": nothing is known of the next job.
  void hint(const std::string& image);
  // There is no next job.
  void stop();

 private:
  void consider();
  void drop();

  RootBuilder& roots_;
  Scratch& scratch_;
  oci::Store& store_;
  std::uint64_t room_ = 0;
  std::string running_;
  std::string hint_;
  std::string chosen_;  // made, being made, or not to be had
  std::optional<std::uint32_t> owner_;
  std::optional<JobFolder> folder_;
  std::stop_source making_;
  bool stopped_ = false;
};

}  // namespace podpilot::agent
