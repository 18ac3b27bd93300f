// SPDX-License-Identifier: Apache-2.0
#include "oci/store/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <chrono>

#include "oci/config.h"
#include "oci/store/staging.h"
#include "oci/store/stored_layer.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"

namespace podpilot::oci {
namespace {

using Mode = FileLock::Mode;

std::int64_t now_seconds() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

// Nothing for a file that is absent, or is not what it should be.
template <typename Record>
Result<std::optional<Record>> read_json(BorrowedFd folder, const std::string& name,
                                        std::size_t limit) {
  Result<std::string> text = read_file_at(folder, name, limit);
  if (!text && text.error().fault == Fault::not_found) return std::optional<Record>();
  if (!text) return std::move(text).error();
  Result<Record> record = Record::parse(*text);
  if (!record) return std::optional<Record>();
  return std::optional(*std::move(record));
}

}  // namespace

Result<Store> Store::open(const std::string& cache_path, Locks locks) {
  StoreLayout layout = TRY(StoreLayout::open(cache_path, locks));
  if (layout.writable()) TRY(clean_staging(layout.staging).within("cache " + layout.path));
  return Store(std::move(layout));
}

// --- images
// ---------------------------------------------------------------------------------------

Result<std::optional<RefRecord>> Store::resolved(const std::string& reference,
                                                 const Platform& platform) const {
  const std::string platform_name = platform.str();
  std::optional<RefRecord> ref = TRY(
      read_json<RefRecord>(layout_.refs, ref_file(reference, platform_name), kMaxRefRecordBytes));
  if (ref && (ref->reference != reference || ref->platform != platform_name)) ref.reset();
  return ref;
}

Result<std::optional<Image>> Store::find(const std::string& reference, const Platform& platform,
                                         Unsettled unsettled) {
  const std::optional<RefRecord> ref = TRY(resolved(reference, platform));
  if (!ref) return std::optional<Image>();
  return find(ref->manifest, unsettled);
}

Result<std::optional<ImageRecord>> Store::read_record(const Digest& manifest) const {
  std::optional<ImageRecord> record =
      TRY(read_json<ImageRecord>(layout_.images, image_file(manifest), kMaxImageRecordBytes));
  if (record && record->manifest != manifest) record.reset();
  return record;
}

Result<void> Store::write_record(const ImageRecord& record) const {
  return Staging::put_file(layout_.staging, layout_.images, image_file(record.manifest),
                           record.str());
}

Result<std::optional<Image>> Store::find(const Digest& manifest, Unsettled unsettled) {
  if (!exists_at(layout_.images, image_file(manifest))) return std::optional<Image>();
  FileLock lock =
      TRY(FileLock::acquire(layout_.locks, image_lock(manifest), Mode::shared, std::stop_token()));
  std::optional<ImageRecord> record = TRY(read_record(manifest));
  if (!record) return std::optional<Image>();
  // What was made without a boot was flushed to disk.
  if (record->boot != layout_.boot && !record->boot.empty()) {
    if (unsettled == Unsettled::skip || !layout_.writable()) return std::optional<Image>();
    const bool whole = TRY(settle(*record));
    if (!whole) return std::optional<Image>();
  }
  std::optional<Image> image = TRY(hand_out(*record, std::move(lock)));
  if (image) note_use(manifest);
  return image;
}

void Store::note_use(const Digest& manifest) const {
  ::utimensat(layout_.images.get(), image_file(manifest).c_str(), nullptr, 0);
}

// The node restarted since the record was written, or another node wrote it.
Result<bool> Store::settle(ImageRecord& record) {
  for (const Digest& id : stacked(record.diff_ids)) {
    const FileLock lock =
        TRY(FileLock::acquire(layout_.locks, layer_lock(id), Mode::shared, std::stop_token()));
    const bool whole = TRY(layer_is_whole(id));
    if (!whole) return false;
  }
  // The old fix-up has no checksums: it may be used by another node, and is gc's.
  record.fixup = fixup_name(record.diff_ids);
  TRY(ensure_fixup(record.fixup, record.diff_ids, std::stop_token()));
  record.boot = layout_.boot;
  TRY(write_record(record));
  return true;
}

Result<std::optional<Image>> Store::hand_out(const ImageRecord& record, FileLock image_lock) {
  ImageConfig config = TRY(parse_config(record.config, record.diff_ids.size()));
  FileLock fixup = TRY(
      FileLock::acquire(layout_.locks, fixup_lock(record.fixup), Mode::shared, std::stop_token()));
  Image image{std::move(config), record.manifest, {}, record.size, {}};
  for (const Digest& id : stacked(record.diff_ids)) {
    const std::string folder = id.hex() + "/fs";
    if (!exists_at(layout_.layers, folder)) return std::optional<Image>();
    image.layers.push_back(fmt::format("{}/layers/{}", layout_.path, folder));
  }
  const std::string fixup_folder = record.fixup + "/fs";
  if (!exists_at(layout_.fixups, fixup_folder)) return std::optional<Image>();
  image.layers.push_back(fmt::format("{}/fixups/{}", layout_.path, fixup_folder));
  image.lease.locks.push_back(std::move(image_lock));
  image.lease.locks.push_back(std::move(fixup));
  return std::optional(std::move(image));
}

Result<Image> Store::add_image(const Digest& manifest, const Platform& platform,
                               const std::string& config, const std::vector<Digest>& diff_ids,
                               const std::stop_token& stop) {
  TRY(layout_.writable());
  ImageRecord record{.manifest = manifest,
                     .platform = platform.str(),
                     .config = config,
                     .diff_ids = diff_ids,
                     .fixup = fixup_name(diff_ids),
                     .boot = layout_.boot,
                     .created = now_seconds()};
  for (const Digest& id : stacked(diff_ids)) {
    const DirFd layer = TRY(open_layer(layout_, id));
    const LayerTotals totals = TRY(read_layer_totals_in(layer));
    record.size += totals.disk_bytes;
  }
  FileLock image = TRY(FileLock::acquire(layout_.locks, image_lock(manifest), Mode::shared, stop));
  const FileLock fixup = TRY(ensure_fixup(record.fixup, diff_ids, stop).within("fix-up layer"));
  TRY(write_record(record));
  std::optional<Image> made = TRY(hand_out(record, std::move(image)));
  if (!made) return Error{Fault::internal, "the image is gone as soon as it was made"};
  return *std::move(made);
}

Result<void> Store::tag(const std::string& reference, const Platform& platform,
                        const Digest& manifest, const Digest& root) {
  TRY(layout_.writable());
  const RefRecord record{reference, platform.str(), manifest, root, now_seconds()};
  return Staging::put_file(layout_.staging, layout_.refs, ref_file(reference, record.platform),
                           record.str());
}

// --- layers
// ---------------------------------------------------------------------------------------

bool Store::has_layer(const Digest& diff_id) const {
  return exists_at(layout_.layers, diff_id.hex() + "/index");
}

// The caller has a lock on it.
Result<bool> Store::layer_is_whole(const Digest& diff_id) const {
  if (!has_layer(diff_id)) return false;
  const DirFd layer = TRY(open_layer(layout_, diff_id));
  const Result<bool> settled = is_settled(layer, layout_.boot);
  if (settled && *settled) return true;
  const std::vector<std::string> problems = TRY(find_damage(layer, 1));
  if (!problems.empty()) return false;
  TRY(mark_settled(layer));
  return true;
}

Result<void> Store::make_layer(const Digest& diff_id, const MakeLayer& make) {
  if (exists_at(layout_.layers, diff_id.hex())) [[maybe_unused]]
    const Staging damaged = TRY(Staging::take_away(layout_.staging, layout_.layers, diff_id.hex()));
  Staging staging = TRY(Staging::create(layout_.staging));
  TRY(make(staging.dir()));
  if (layout_.boot.empty()) TRY(mark_settled(staging.dir()));
  return staging.commit(layout_.layers, diff_id.hex());
}

Result<FileLock> Store::ensure_layer(const Digest& diff_id, const MakeLayer& make,
                                     const std::stop_token& stop) {
  TRY(layout_.writable());
  const std::string name = layer_lock(diff_id);
  for (;;) {
    FileLock shared = TRY(FileLock::acquire(layout_.locks, name, Mode::shared, stop));
    const bool there = TRY(layer_is_whole(diff_id));
    if (there) return shared;
    shared = FileLock();
    const FileLock own = TRY(FileLock::acquire(layout_.locks, name, Mode::exclusive, stop));
    const bool meanwhile = TRY(layer_is_whole(diff_id));
    if (!meanwhile) TRY(make_layer(diff_id, make));
    // A lock is not turned into a weaker one in one step: gc may come between, so look again.
  }
}

}  // namespace podpilot::oci
