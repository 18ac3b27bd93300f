// SPDX-License-Identifier: Apache-2.0
#include "oci/store/verify.h"

#include <algorithm>

#include "oci/store/gc.h"
#include "oci/store/lock.h"
#include "oci/store/staging.h"
#include "oci/store/stored_layer.h"
#include "sandbox/base/path.h"

namespace podpilot::oci {
namespace {

constexpr std::size_t kMaxProblems = 10;

// False if one of the images that have the layer is in use.
Result<bool> forget_images_with(const StoreLayout& store, const Digest& diff_id) {
  const std::vector<StoredImage> images = TRY(list_images(store));
  bool all = true;
  for (const StoredImage& image : images) {
    if (std::ranges::find(image.diff_ids, diff_id) == image.diff_ids.end()) continue;
    const bool forgotten = TRY(forget_image(store, image.manifest));
    all &= forgotten;
  }
  return all;
}

// The images first, so that none is left without one of its layers; under the layer's lock, so that
// no pull makes another one of it meanwhile.
Result<void> remove_layer(const StoreLayout& store, DamagedLayer& damaged) {
  const std::string name = layer_lock(damaged.diff_id);
  std::optional<FileLock> lock =
      TRY(FileLock::try_acquire(store.locks, name, FileLock::Mode::exclusive));
  damaged.in_use = !lock;
  if (!lock) return {};
  const bool forgotten = TRY(forget_images_with(store, damaged.diff_id));
  damaged.in_use = !forgotten;
  if (!forgotten) return {};
  const Staging bin = TRY(Staging::take_away(store.staging, store.layers, damaged.diff_id.hex()));
  lock->remove_file(store.locks, name);
  lock.reset();
  damaged.removed = true;
  return {};
}

Result<std::vector<std::string>> inspect(const StoreLayout& store, const Digest& diff_id) {
  const FileLock lock = TRY(FileLock::acquire(store.locks, layer_lock(diff_id),
                                              FileLock::Mode::shared, std::stop_token()));
  const Result<DirFd> layer = open_layer(store, diff_id);
  if (!layer && layer.error().fault == Fault::not_found) return std::vector<std::string>();
  if (!layer) return std::move(layer).error();
  return find_damage(*layer, kMaxProblems);
}

Result<void> check_images(const StoreLayout& store, Repair repair, VerifyReport& report) {
  const std::vector<StoredImage> images = TRY(list_images(store));
  for (const StoredImage& image : images) {
    const bool complete = std::ranges::all_of(
        image.diff_ids, [&](const Digest& id) { return exists_at(store.layers, id.hex()); });
    if (complete) continue;
    report.incomplete_images.push_back(image.manifest);
    if (repair == Repair::remove_damaged) [[maybe_unused]]
      const bool forgotten = TRY(forget_image(store, image.manifest));
  }
  return {};
}

}  // namespace

Result<VerifyReport> verify_store(const StoreLayout& store, Repair repair) {
  if (repair == Repair::remove_damaged) TRY(store.writable());
  VerifyReport report;
  const std::vector<std::string> names = TRY(list_names(store.layers));
  for (const std::string& name : names) {
    const Result<Digest> diff_id = Digest::parse("sha256:" + name);
    if (!diff_id) continue;
    ++report.layers;
    std::vector<std::string> problems = TRY(inspect(store, *diff_id).within(diff_id->str()));
    if (problems.empty()) continue;
    DamagedLayer damaged{*diff_id, std::move(problems)};
    if (repair == Repair::remove_damaged) TRY(remove_layer(store, damaged).within(diff_id->str()));
    report.damaged.push_back(std::move(damaged));
  }
  TRY(check_images(store, repair, report));
  return report;
}

}  // namespace podpilot::oci
