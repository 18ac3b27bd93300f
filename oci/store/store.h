// SPDX-License-Identifier: Apache-2.0
// Images on disk: layers unpacked once each, and what makes images of them. Any number of processes
// may use one store; whatever is killed whenever, the next one finds it whole (FORMAT.md says why).
// Methods may be called from several threads at once.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "oci/image.h"
#include "oci/platform.h"
#include "oci/store/layout.h"
#include "oci/store/lock.h"
#include "oci/store/record.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

class Store {
 public:
  // Makes what is missing and removes what dead processes left half-made. A store that is read-only
  // hands out the images that are in it; what would change it is Fault::denied.
  static Result<Store> open(const std::string& cache_path, Locks locks = Locks::as_proven);

  const StoreLayout& layout() const { return layout_; }
  // Formats of newer podpilots beside ours. They are left alone.
  Result<std::vector<int>> newer_formats() const { return oci::newer_formats(layout_.cache); }

  // An image that was made before the node restarted: compare its layers with their checksums
  // first, which takes as long as reading them, or count it as not here.
  enum class Unsettled { compare, skip };

  // The image that `reference` (in normal form) last was, or that has this manifest; nothing if it
  // is not here. A few small files are read, no index and no tree, unless it has to be compared.
  Result<std::optional<Image>> find(const std::string& reference, const Platform& platform,
                                    Unsettled unsettled = Unsettled::compare);
  Result<std::optional<Image>> find(const Digest& manifest,
                                    Unsettled unsettled = Unsettled::compare);

  // Somebody had a use for it until now: gc goes by that. An image that is gone stays so.
  void note_use(const Digest& manifest) const;

  // --- for the pull ---

  // Makes `fs` and `index` in an empty folder.
  using MakeLayer = std::function<Result<void>(BorrowedFd into)>;
  bool has_layer(const Digest& diff_id) const;
  // The layer is there when this returns, made by `make` if nobody else did; gc keeps away from it
  // while the lock lives. Where another process is making it, its end is waited for.
  Result<FileLock> ensure_layer(const Digest& diff_id, const MakeLayer& make,
                                const std::stop_token& stop);
  // All layers are there and locked by the caller. Makes the fix-up, writes the record.
  Result<Image> add_image(const Digest& manifest, const Platform& platform,
                          const std::string& config, const std::vector<Digest>& diff_ids,
                          const std::stop_token& stop);
  // `root` is the document that the source has under the name: the manifest, or an index.
  Result<void> tag(const std::string& reference, const Platform& platform, const Digest& manifest,
                   const Digest& root);
  // What tag() was last told of the name.
  Result<std::optional<RefRecord>> resolved(const std::string& reference,
                                            const Platform& platform) const;

 private:
  explicit Store(StoreLayout layout) : layout_(std::move(layout)) {}

  Result<std::optional<ImageRecord>> read_record(const Digest& manifest) const;
  Result<void> write_record(const ImageRecord& record) const;
  Result<bool> settle(ImageRecord& record);
  Result<std::optional<Image>> hand_out(const ImageRecord& record, FileLock image);
  Result<bool> layer_is_whole(const Digest& diff_id) const;
  Result<void> make_layer(const Digest& diff_id, const MakeLayer& make);
  Result<FileLock> ensure_fixup(const std::string& name, const std::vector<Digest>& diff_ids,
                                const std::stop_token& stop);
  Result<void> make_fixup(const std::string& name, const std::vector<Digest>& diff_ids);
  std::string fixup_name(const std::vector<Digest>& diff_ids) const;

  StoreLayout layout_;
};

}  // namespace podpilot::oci
