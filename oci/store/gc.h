// SPDX-License-Identifier: Apache-2.0
// Makes room: images go in the order of their last use, and layers that no image has any more.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "oci/digest.h"
#include "oci/store/layout.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

struct StoredImage {
  Digest manifest;
  std::vector<Digest> diff_ids;
  std::uint64_t size = 0;      // about, of its layers on disk; shared ones count for each
  std::int64_t last_used = 0;  // seconds since 1970
  std::vector<std::string> references;
};

// Least recently used first.
Result<std::vector<StoredImage>> list_images(const StoreLayout& store);

// About, of all layers on disk.
Result<std::uint64_t> used_bytes(const StoreLayout& store);

struct Disk {
  std::uint64_t size = 0;  // bytes
  std::uint64_t free = 0;  // for an ordinary user
};

// The store's, as df tells it. Fault::denied once it is read-only: a disk in trouble becomes that
// while it is mounted.
Result<Disk> look_at_disk(const StoreLayout& store);

struct GcReport {
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
  std::vector<Digest> images;  // removed
  std::size_t layers = 0;      // removed
  std::size_t images_in_use = 0;
};

// What is to be reached; all, where several are given.
struct GcGoal {
  std::uint64_t keep_bytes = UINT64_MAX;  // layers may have no more than this
  std::uint64_t free_bytes = 0;           // the filesystem has so much free
  unsigned free_percent = 0;              // the same, as a share of its size
  std::optional<Digest> spare{};          // an image that stays
};

// How many bytes of layers may stay, of `used` that there are. What a layer takes counts as free
// when it is removed: some filesystems free later.
std::uint64_t may_stay(const GcGoal& goal, std::uint64_t used, const Disk& disk);

// Whether there is nothing to do, by a look at the disk alone where that can tell.
Result<bool> is_reached(const StoreLayout& store, const GcGoal& goal);

// Removes until the goal is reached, or nothing is left that is not in use, or `stop` is requested;
// and what dead processes left, in any case. Safe beside pulls and running images of other
// processes, which hold locks on what they need; of several at once one goes on, the others wait.
Result<GcReport> collect_garbage(const StoreLayout& store, const GcGoal& goal,
                                 const std::stop_token& stop = {});

// Forgets one image and its references; false if it is in use. Its layers are gc's from then on.
Result<bool> forget_image(const StoreLayout& store, const Digest& manifest);

}  // namespace podpilot::oci
