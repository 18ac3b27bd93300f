// SPDX-License-Identifier: Apache-2.0
// What the things of a cache's layers looked like when they were known to be good. A payload of the
// pilot's own uid cannot write to them (Landlock), but no kernel keeps it from chmod, utimes,
// setxattr and link on them, and an old one not from truncate(2): all of that moves the ctime,
// which nobody can set. So do links that we make and remove: those are followed here. Kept in
// memory alone, about 40 bytes a file. Not for two threads at once.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::sandbox {

class Ledger {
 public:
  bool knows(const std::string& layer) const { return layers_.contains(layer); }

  // Takes everything in `layer`, a folder by its absolute path, as it is now for good, but not what
  // another layer shares with it (a link, as fix-ups have them) and is known already.
  Result<void> learn(const std::string& layer, const std::stop_token& stop);

  // Relative paths of what is in a layer that is known and is not as it was, the layer itself being
  // "."; what is gone or new shows as its folder. A file that only another layer of ours was linked
  // to differs as well: its content tells, then accept() it.
  Result<std::vector<std::string>> check(const std::string& layer, const std::stop_token& stop);

  // Takes one path, proven good by other means, as it is now.
  Result<void> accept(const std::string& layer, const std::string& path);

  // For a layer that is removed. What takes its inodes would be taken for changed otherwise.
  void forget(const std::string& layer);
  // All that were removed, or made anew, by others.
  void forget_replaced();

  // unlinkat(2) of a name that may be a link to a layer's file: what it does to a file that was
  // good until then is noted. 0 or -1 and errno.
  int unlink(BorrowedFd folder, const char* name);

  // --- for who makes links and lends modes ---

  enum class Look { unknown, same, changed };
  Look look(const struct stat& now) const;
  // If `before` looks the same and only the ctime has moved since, `after` is good. False if not.
  bool follow(const struct stat& before, const struct stat& after);

  std::size_t memory() const;  // bytes

 private:
  struct Entry {
    std::uint64_t inode;
    std::int64_t ctime;  // ns
    std::uint64_t size;
    std::uint32_t layer;
    std::uint16_t device;  // in devices_
    std::uint16_t mode;    // type and permissions

    bool operator==(const Entry&) const = default;
  };
  // Of a folder, apart from its path: the birth is 0 where the filesystem does not tell it.
  struct Identity {
    std::uint64_t device;
    std::uint64_t inode;
    std::int64_t birth;  // ns

    bool operator==(const Identity&) const = default;
  };
  struct Layer {
    std::uint32_t number;
    std::optional<Identity> identity;
  };
  static constexpr std::uint32_t kFree = UINT32_MAX;

  static std::optional<Identity> identity_of(const std::string& layer);
  Result<std::uint32_t> number_of(const std::string& layer) const;
  std::uint16_t device_number(dev_t device);
  const Entry* find(const struct stat& st) const;
  Entry* find(const struct stat& st);
  std::size_t slot_of(std::uint64_t inode, std::uint16_t device) const;
  void put(std::uint32_t layer, const struct stat& st);
  void rehash();

  std::map<std::string, Layer> layers_;
  std::uint32_t next_layer_ = 0;
  std::vector<dev_t> devices_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slots_;  // open addressing by (inode, device), into entries_
};

}  // namespace podpilot::sandbox
