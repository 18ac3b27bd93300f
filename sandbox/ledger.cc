// SPDX-License-Identifier: Apache-2.0
#include "sandbox/ledger.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace podpilot::sandbox {
namespace {

std::int64_t nanoseconds(const timespec& at) {
  return std::int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
}

bool same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

std::uint16_t Ledger::device_number(dev_t device) {
  const auto at = std::ranges::find(devices_, device);
  const auto number = static_cast<std::uint16_t>(at - devices_.begin());
  if (at == devices_.end()) devices_.push_back(device);
  return number;
}

std::size_t Ledger::slot_of(std::uint64_t inode, std::uint16_t device) const {
  const std::uint64_t hash = (inode ^ (std::uint64_t{device} << 48)) * 0x9E3779B97F4A7C15;
  return (hash >> 32) & (slots_.size() - 1);
}

const Ledger::Entry* Ledger::find(const struct stat& st) const {
  const auto at = std::ranges::find(devices_, st.st_dev);
  if (at == devices_.end() || slots_.empty()) return nullptr;
  const auto device = static_cast<std::uint16_t>(at - devices_.begin());
  for (std::size_t i = slot_of(st.st_ino, device);; i = (i + 1) & (slots_.size() - 1)) {
    if (slots_[i] == kFree) return nullptr;
    const Entry& entry = entries_[slots_[i]];
    if (entry.inode == st.st_ino && entry.device == device) return &entry;
  }
}

Ledger::Entry* Ledger::find(const struct stat& st) {
  return const_cast<Entry*>(std::as_const(*this).find(st));
}

// Half full at most.
void Ledger::rehash() {
  std::size_t size = 64;
  while (size < entries_.size() * 2) size *= 2;
  slots_.assign(size, kFree);
  for (std::uint32_t id = 0; id < entries_.size(); ++id) {
    std::size_t i = slot_of(entries_[id].inode, entries_[id].device);
    while (slots_[i] != kFree) i = (i + 1) & (size - 1);
    slots_[i] = id;
  }
}

void Ledger::put(std::uint32_t layer, const struct stat& st) {
  const Entry entry{.inode = st.st_ino,
                    .ctime = nanoseconds(st.st_ctim),
                    .size = static_cast<std::uint64_t>(st.st_size),
                    .layer = layer,
                    .device = device_number(st.st_dev),
                    .mode = static_cast<std::uint16_t>(st.st_mode)};
  if (Entry* known = find(st)) {
    *known = entry;
    return;
  }
  entries_.push_back(entry);
  if (entries_.size() * 2 > slots_.size()) {
    rehash();
    return;
  }
  std::size_t i = slot_of(entry.inode, entry.device);
  while (slots_[i] != kFree) i = (i + 1) & (slots_.size() - 1);
  slots_[i] = static_cast<std::uint32_t>(entries_.size() - 1);
}

void Ledger::forget(const std::string& layer) {
  const auto gone = layers_.extract(layer);
  if (gone.empty()) return;
  std::erase_if(entries_, [&](const Entry& entry) { return entry.layer == gone.mapped().number; });
  entries_.shrink_to_fit();
  rehash();
  slots_.shrink_to_fit();
}

std::optional<Ledger::Identity> Ledger::identity_of(const std::string& layer) {
  struct statx st{};
  if (::statx(AT_FDCWD, layer.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &st) != 0)
    return std::nullopt;
  const bool born = (st.stx_mask & STATX_BTIME) != 0;
  return Identity{.device = ::makedev(st.stx_dev_major, st.stx_dev_minor),
                  .inode = st.stx_ino,
                  .birth = born ? st.stx_btime.tv_sec * 1'000'000'000 + st.stx_btime.tv_nsec : 0};
}

void Ledger::forget_replaced() {
  std::vector<std::string> replaced;
  for (const auto& [path, layer] : layers_)
    if (layer.identity != identity_of(path)) replaced.push_back(path);
  for (const std::string& path : replaced) forget(path);
}

Ledger::Look Ledger::look(const struct stat& now) const {
  const Entry* entry = find(now);
  if (!entry) return Look::unknown;
  const bool same = entry->ctime == nanoseconds(now.st_ctim) &&
                    entry->size == static_cast<std::uint64_t>(now.st_size) &&
                    entry->mode == static_cast<std::uint16_t>(now.st_mode);
  return same ? Look::same : Look::changed;
}

bool Ledger::follow(const struct stat& before, const struct stat& after) {
  if (look(before) != Look::same) return false;
  const bool same = after.st_dev == before.st_dev && after.st_ino == before.st_ino &&
                    after.st_size == before.st_size && after.st_mode == before.st_mode &&
                    same_time(after.st_mtim, before.st_mtim);
  if (same) find(before)->ctime = nanoseconds(after.st_ctim);
  return same;
}

int Ledger::unlink(BorrowedFd folder, const char* name) {
  // Its own descriptor: once its name is gone, nothing else may lead to the file from here.
  const UniqueFd file(::openat(folder.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat before{};
  const bool known = file && ::fstat(file.get(), &before) == 0 && look(before) == Look::same;
  const int result = ::unlinkat(folder.get(), name, 0);
  struct stat after{};
  if (result == 0 && known && ::fstat(file.get(), &after) == 0) follow(before, after);
  return result;
}

std::size_t Ledger::memory() const {
  return entries_.capacity() * sizeof(Entry) + slots_.capacity() * sizeof(std::uint32_t);
}

}  // namespace podpilot::sandbox
