// SPDX-License-Identifier: Apache-2.0
#include "oci/store/strays.h"

#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/limits.h"
#include "oci/store/lock.h"
#include "oci/store/record.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"

namespace podpilot::oci {
namespace {

constexpr std::string_view kRecordSuffix = ".json";
constexpr std::string_view kLayerLock = "layer-";
constexpr std::string_view kImageLock = "image-";
constexpr std::string_view kFixupLock = "fixup-";

Result<void> remove_file(BorrowedFd folder, const std::string& name) {
  if (::unlinkat(folder.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    return sys_error("unlink " + name);
  return {};
}

// The image that images/NAME is about, by the name.
std::optional<Digest> image_of(std::string_view name) {
  if (!name.ends_with(kRecordSuffix)) return std::nullopt;
  name.remove_suffix(kRecordSuffix.size());
  Result<Digest> manifest = Digest::parse("sha256:" + std::string(name));
  return manifest ? std::optional(*std::move(manifest)) : std::nullopt;
}

bool is_record_of(const StoreLayout& store, const std::string& name, const Digest& manifest) {
  const Result<std::string> text = read_file_at(store.images, name, kMaxImageRecordBytes);
  if (!text) return false;
  const Result<ImageRecord> record = ImageRecord::parse(*text);
  return record && record->manifest == manifest;
}

Result<void> remove_damaged_images(const StoreLayout& store) {
  const std::vector<std::string> names = TRY(list_names(store.images));
  for (const std::string& name : names) {
    const std::optional<Digest> manifest = image_of(name);
    if (!manifest) {
      TRY(remove_file(store.images, name));
      continue;
    }
    if (is_record_of(store, name, *manifest)) continue;
    const std::optional<FileLock> lock =
        TRY(FileLock::try_acquire(store.locks, image_lock(*manifest), FileLock::Mode::exclusive));
    if (lock && !is_record_of(store, name, *manifest)) TRY(remove_file(store.images, name));
  }
  return {};
}

// A reference that is written again meanwhile is lost: it is asked for once more then.
Result<void> remove_dangling_refs(const StoreLayout& store) {
  const std::vector<std::string> names = TRY(list_names(store.refs));
  for (const std::string& name : names) {
    const Result<std::string> text = read_file_at(store.refs, name, kMaxRefRecordBytes);
    const Result<RefRecord> ref = text ? RefRecord::parse(*text) : Result<RefRecord>(text.error());
    if (!ref || !exists_at(store.images, image_file(ref->manifest)))
      TRY(remove_file(store.refs, name));
  }
  return {};
}

bool has_thing(const StoreLayout& store, std::string_view lock) {
  const auto named = [&lock](std::string_view prefix) {
    return std::string(lock.substr(prefix.size()));
  };
  if (lock.starts_with(kLayerLock)) return exists_at(store.layers, named(kLayerLock));
  if (lock.starts_with(kImageLock))
    return exists_at(store.images, named(kImageLock) + std::string(kRecordSuffix));
  if (lock.starts_with(kFixupLock)) return exists_at(store.fixups, named(kFixupLock));
  return false;
}

Result<void> remove_idle_locks(const StoreLayout& store) {
  const std::vector<std::string> names = TRY(list_names(store.locks));
  for (const std::string& name : names) {
    if (has_thing(store, name)) continue;
    const std::optional<FileLock> lock =
        TRY(FileLock::try_acquire(store.locks, name, FileLock::Mode::exclusive));
    if (lock && !has_thing(store, name)) lock->remove_file(store.locks, name);
  }
  return {};
}

}  // namespace

Result<void> remove_strays(const StoreLayout& store) {
  TRY(remove_damaged_images(store));
  TRY(remove_dangling_refs(store));
  return remove_idle_locks(store);
}

}  // namespace podpilot::oci
