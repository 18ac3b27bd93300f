// SPDX-License-Identifier: Apache-2.0
#include "oci/store/gc.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "oci/store/lock.h"
#include "oci/store/record.h"
#include "oci/store/staging.h"
#include "oci/store/stored_layer.h"
#include "oci/store/strays.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"

namespace podpilot::oci {
namespace {

constexpr const char* kGcLock = "gc";

struct LayerOnDisk {
  Digest diff_id;
  std::uint64_t bytes = 0;
  std::int64_t made = 0;
};

std::int64_t modified(BorrowedFd folder, const std::string& name) {
  struct stat st{};
  return ::fstatat(folder.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_mtime : 0;
}

// References by the manifest they name. One that cannot be read is nobody's.
Result<std::map<Digest, std::vector<RefRecord>>> read_refs(const StoreLayout& store) {
  std::map<Digest, std::vector<RefRecord>> refs;
  const std::vector<std::string> names = TRY(list_names(store.refs));
  for (const std::string& name : names) {
    const Result<std::string> text = read_file_at(store.refs, name, kMaxRefRecordBytes);
    if (!text) continue;
    Result<RefRecord> ref = RefRecord::parse(*text);
    if (ref) refs[ref->manifest].push_back(*std::move(ref));
  }
  return refs;
}

Result<std::vector<ImageRecord>> read_images(const StoreLayout& store) {
  std::vector<ImageRecord> records;
  const std::vector<std::string> names = TRY(list_names(store.images));
  for (const std::string& name : names) {
    const Result<std::string> text = read_file_at(store.images, name, kMaxImageRecordBytes);
    if (!text) continue;
    Result<ImageRecord> record = ImageRecord::parse(*text);
    if (record) records.push_back(*std::move(record));
  }
  return records;
}

Result<std::vector<LayerOnDisk>> read_layers(const StoreLayout& store) {
  std::vector<LayerOnDisk> layers;
  const std::vector<std::string> names = TRY(list_names(store.layers));
  for (const std::string& name : names) {
    Result<Digest> diff_id = Digest::parse("sha256:" + name);
    if (!diff_id) continue;
    const Result<DirFd> layer = open_layer(store, *diff_id);
    if (!layer) continue;
    const Result<LayerTotals> totals = read_layer_totals_in(*layer);
    layers.push_back(
        {*std::move(diff_id), totals ? totals->disk_bytes : 0, modified(store.layers, name)});
  }
  return layers;
}

std::uint64_t wanted_free(const GcGoal& goal, const Disk& disk) {
  return std::max(goal.free_bytes, disk.size / 100 * goal.free_percent);
}

class Collector {
 public:
  Collector(const StoreLayout& store, const GcGoal& goal, const std::stop_token& stop)
      : store_(store), goal_(goal), stop_(stop) {}

  Result<GcReport> run() {
    TRY(load());
    TRY(remove_unused_layers());
    for (const StoredImage& image : images_) {
      if (report_.bytes_after <= keep_bytes_ || stop_.stop_requested()) break;
      if (image.manifest == goal_.spare) continue;
      const bool forgotten = TRY(forget_image(store_, image.manifest));
      if (!forgotten) {
        ++report_.images_in_use;
        continue;
      }
      report_.images.push_back(image.manifest);
      for (const Digest& id : stacked(image.diff_ids)) --users_[id];
      TRY(remove_unused_layers());
    }
    TRY(remove_unused_fixups());
    return std::move(report_);
  }

 private:
  Result<void> load() {
    images_ = TRY(list_images(store_));
    layers_ = TRY(read_layers(store_));
    for (const StoredImage& image : images_)
      for (const Digest& id : stacked(image.diff_ids)) ++users_[id];
    std::ranges::sort(layers_, {}, &LayerOnDisk::made);
    for (const LayerOnDisk& layer : layers_) report_.bytes_before += layer.bytes;
    report_.bytes_after = report_.bytes_before;
    const Disk disk = TRY(look_at_disk(store_));
    keep_bytes_ = may_stay(goal_, report_.bytes_before, disk);
    return {};
  }

  // Layers of no image: of a pull that did not end, or that ends right now and has them locked.
  Result<void> remove_unused_layers() {
    for (auto layer = layers_.begin(); layer != layers_.end();) {
      if (report_.bytes_after <= keep_bytes_ || stop_.stop_requested()) return {};
      bool removed = false;
      if (users_[layer->diff_id] == 0) removed = TRY(remove_layer(*layer));
      layer = removed ? layers_.erase(layer) : layer + 1;
    }
    return {};
  }

  Result<bool> remove_layer(const LayerOnDisk& layer) {
    const std::string name = layer_lock(layer.diff_id);
    std::optional<FileLock> lock =
        TRY(FileLock::try_acquire(store_.locks, name, FileLock::Mode::exclusive));
    if (!lock) return false;
    // A pull may have made an image of it since the records were read.
    const std::vector<ImageRecord> now = TRY(read_images(store_));
    for (const ImageRecord& image : now)
      if (std::ranges::find(image.diff_ids, layer.diff_id) != image.diff_ids.end()) return false;
    const Staging bin = TRY(Staging::take_away(store_.staging, store_.layers, layer.diff_id.hex()));
    lock->remove_file(store_.locks, name);
    lock.reset();
    report_.bytes_after -= layer.bytes;
    ++report_.layers;
    return true;
  }

  Result<void> remove_unused_fixups() {
    const std::vector<std::string> names = TRY(list_names(store_.fixups));
    for (const std::string& name : names) {
      std::optional<FileLock> lock =
          TRY(FileLock::try_acquire(store_.locks, fixup_lock(name), FileLock::Mode::exclusive));
      if (!lock) continue;
      const std::vector<ImageRecord> now = TRY(read_images(store_));
      if (std::ranges::find(now, name, &ImageRecord::fixup) != now.end()) continue;
      const Staging bin = TRY(Staging::take_away(store_.staging, store_.fixups, name));
      lock->remove_file(store_.locks, fixup_lock(name));
      lock.reset();
    }
    return {};
  }

  const StoreLayout& store_;
  const GcGoal& goal_;
  const std::stop_token& stop_;
  std::uint64_t keep_bytes_ = 0;
  std::vector<StoredImage> images_;
  std::vector<LayerOnDisk> layers_;
  std::map<Digest, std::size_t> users_;
  GcReport report_;
};

}  // namespace

Result<std::vector<StoredImage>> list_images(const StoreLayout& store) {
  const std::vector<ImageRecord> records = TRY(read_images(store));
  const std::map<Digest, std::vector<RefRecord>> refs = TRY(read_refs(store));
  std::vector<StoredImage> images;
  for (const ImageRecord& record : records) {
    StoredImage image{record.manifest,
                      record.diff_ids,
                      record.size,
                      modified(store.images, image_file(record.manifest)),
                      {}};
    if (const auto named = refs.find(record.manifest); named != refs.end())
      for (const RefRecord& ref : named->second) image.references.push_back(ref.reference);
    images.push_back(std::move(image));
  }
  std::ranges::sort(images, {}, &StoredImage::last_used);
  return images;
}

Result<std::uint64_t> used_bytes(const StoreLayout& store) {
  const std::vector<LayerOnDisk> layers = TRY(read_layers(store));
  std::uint64_t bytes = 0;
  for (const LayerOnDisk& layer : layers) bytes += layer.bytes;
  return bytes;
}

Result<Disk> look_at_disk(const StoreLayout& store) {
  struct statvfs st{};
  if (::fstatvfs(store.root.get(), &st) != 0) return sys_error("fstatvfs " + store.path);
  if (st.f_flag & ST_RDONLY) return Error{Fault::denied, store.path + " is read-only"};
  return Disk{.size = std::uint64_t{st.f_blocks} * st.f_frsize,
              .free = std::uint64_t{st.f_bavail} * st.f_frsize};
}

std::uint64_t may_stay(const GcGoal& goal, std::uint64_t used, const Disk& disk) {
  const std::uint64_t wanted = wanted_free(goal, disk);
  const std::uint64_t missing = wanted > disk.free ? wanted - disk.free : 0;
  return std::min(goal.keep_bytes, used > missing ? used - missing : 0);
}

Result<bool> is_reached(const StoreLayout& store, const GcGoal& goal) {
  const Disk disk = TRY(look_at_disk(store));
  if (wanted_free(goal, disk) > disk.free) return false;
  if (goal.keep_bytes == UINT64_MAX) return true;
  const std::uint64_t used = TRY(used_bytes(store));
  return used <= goal.keep_bytes;
}

Result<GcReport> collect_garbage(const StoreLayout& store, const GcGoal& goal,
                                 const std::stop_token& stop) {
  TRY(store.writable());
  const FileLock turn =
      TRY(FileLock::acquire(store.locks, kGcLock, FileLock::Mode::exclusive, stop));
  TRY(clean_staging(store.staging));
  GcReport report = TRY(Collector(store, goal, stop).run());
  TRY(remove_strays(store));
  turn.remove_file(store.locks, kGcLock);
  return report;
}

// The references first: one without its image is merely a miss, and so is an image without layers.
Result<bool> forget_image(const StoreLayout& store, const Digest& manifest) {
  TRY(store.writable());
  const std::string name = image_lock(manifest);
  const std::optional<FileLock> lock =
      TRY(FileLock::try_acquire(store.locks, name, FileLock::Mode::exclusive));
  if (!lock) return false;
  const std::map<Digest, std::vector<RefRecord>> refs = TRY(read_refs(store));
  if (const auto named = refs.find(manifest); named != refs.end())
    for (const RefRecord& ref : named->second)
      ::unlinkat(store.refs.get(), ref_file(ref.reference, ref.platform).c_str(), 0);
  if (::unlinkat(store.images.get(), image_file(manifest).c_str(), 0) != 0 && errno != ENOENT)
    return sys_error("unlink " + image_file(manifest));
  lock->remove_file(store.locks, name);
  return true;
}

}  // namespace podpilot::oci
