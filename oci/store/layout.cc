// SPDX-License-Identifier: Apache-2.0
#include "oci/store/layout.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <memory>

#include "oci/store/filesystem.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/kernel.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

constexpr mode_t kPrivate = 0700;

struct Free {
  void operator()(char* text) const { std::free(text); }
};

Result<std::string> absolute(const std::string& path) {
  const std::unique_ptr<char, Free> real(::realpath(path.c_str(), nullptr));
  if (!real) return sys_error("realpath " + path);
  return std::string(real.get());
}

// Ours alone: what is in it is mounted and run.
Result<void> make_private(BorrowedFd folder) {
  struct stat st{};
  if (::fstat(folder.get(), &st) != 0) return sys_error("fstat");
  if (st.st_uid != ::geteuid())
    return Error{Fault::denied,
                 fmt::format("belongs to uid {}, this is uid {}", st.st_uid, ::geteuid())};
  // Also takes a set-gid bit away that a volume's fsGroup put there: folders would inherit it.
  if ((st.st_mode & 07777) != kPrivate && ::fchmod(folder.get(), kPrivate) != 0)
    return sys_error("chmod");
  return {};
}

Result<void> open_folders(StoreLayout& layout) {
  const std::string name = fmt::format("v{}", kStoreFormat);
  layout.root = TRY(make_dir_at(layout.cache, name, kPrivate));
  TRY(make_private(layout.root).within(name));
  layout.layers = TRY(make_dir_at(layout.root, "layers", kPrivate));
  layout.images = TRY(make_dir_at(layout.root, "images", kPrivate));
  layout.fixups = TRY(make_dir_at(layout.root, "fixups", kPrivate));
  layout.refs = TRY(make_dir_at(layout.root, "refs", kPrivate));
  layout.locks = TRY(make_dir_at(layout.root, "locks", kPrivate));
  layout.staging = TRY(make_dir_at(layout.root, "staging", kPrivate));
  return {};
}

}  // namespace

Result<StoreLayout> StoreLayout::open(const std::string& cache_path, Locks locks) {
  const std::string where = "cache " + printable(cache_path);
  StoreLayout layout;
  layout.cache = TRY(make_dirs(cache_path, kPrivate).within(where));
  TRY(open_folders(layout).within(where));
  const std::string cache = TRY(absolute(cache_path).within(where));
  layout.path = fmt::format("{}/v{}", cache, kStoreFormat);
  struct statfs st{};
  if (::fstatfs(layout.root.get(), &st) != 0) return sys_error("statfs").within(where);
  const Filesystem filesystem = filesystem_of(static_cast<std::uint32_t>(st.f_type));
  if (filesystem.is_local) layout.boot = boot_id();
  if ((static_cast<unsigned long>(st.f_flags) & ST_RDONLY) != 0)
    layout.read_only = "is mounted read-only";
  else if (!filesystem.is_local && locks == Locks::as_proven)
    layout.read_only = fmt::format(
        "is on {}, where locks may not hold between nodes, so nothing is written: have it on the "
        "node's own disk, or give --trust-cache-locks if they do or one node alone writes",
        filesystem.name);
  return layout;
}

Result<void> StoreLayout::writable() const {
  if (read_only.empty()) return {};
  return Error{Fault::denied, fmt::format("cache {} {}", printable(path), read_only)};
}

Result<std::vector<int>> newer_formats(BorrowedFd cache) {
  std::vector<int> newer;
  const std::vector<std::string> names = TRY(list_names(cache));
  for (const std::string& name : names) {
    if (!name.starts_with('v')) continue;
    const auto number = parse_number(std::string_view(name).substr(1));
    if (number && *number > kStoreFormat && *number <= INT_MAX)
      newer.push_back(static_cast<int>(*number));
  }
  std::ranges::sort(newer);
  return newer;
}

std::string layer_lock(const Digest& diff_id) {
  return "layer-" + diff_id.hex();
}
std::string image_lock(const Digest& manifest) {
  return "image-" + manifest.hex();
}
std::string fixup_lock(const std::string& name) {
  return "fixup-" + name;
}
std::string image_file(const Digest& manifest) {
  return manifest.hex() + ".json";
}

std::string ref_file(std::string_view reference, std::string_view platform) {
  constexpr std::size_t kLongest = 160;
  const std::string text = fmt::format("{} {}", reference, platform);
  std::string name;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == ':' || c == '@';
    name += plain ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  if (name.size() > kLongest) name = name.substr(0, kLongest - 65) + "-" + Digest::of(text).hex();
  // Never hidden, never "." or "..".
  return (name.starts_with('.') ? "%2e" + name.substr(1) : name) + ".json";
}

}  // namespace podpilot::oci
