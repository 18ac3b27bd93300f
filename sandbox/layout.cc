// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layout.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

#include "sandbox/base/errno.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::sandbox {
namespace {

// hier(7): what a pod has no business to keep data of its own in.
constexpr std::array<std::string_view, 18> kStandard = {
    "bin", "boot", "etc",  "home", "lib",  "lib32", "lib64", "libx32", "media",
    "mnt", "opt",  "root", "run",  "sbin", "srv",   "tmp",   "usr",    "var"};
constexpr std::array<std::string_view, 4> kFolders = {"etc", "var", "run", "tmp"};
constexpr std::array<std::string_view, 2> kVolatile = {"run", "tmp"};

template <typename List>
bool contains(const List& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

// LIVE of a link /NAME -> LIVE/NAME; "" where it is not of that kind.
std::string live_of(const RootEntry& entry) {
  const std::string tail = "/" + entry.name;
  if (!entry.link.starts_with('/') || !entry.link.ends_with(tail)) return "";
  return entry.link.substr(0, entry.link.size() - tail.size());
}

std::string most_common_live(const std::vector<RootEntry>& root) {
  std::map<std::string, int> votes;
  for (const RootEntry& entry : root)
    if (const std::string live = live_of(entry); !live.empty()) ++votes[live];
  const auto best = std::ranges::max_element(
      votes, [](const auto& a, const auto& b) { return a.second < b.second; });
  return best == votes.end() ? "" : best->first;
}

// Where the volume mounted at `point` is seen within a larger part of the same filesystem.
std::string find_alias(const std::vector<Mount>& mounts, const std::string& point) {
  const Mount* inner = mount_at(mounts, point);
  if (!inner) return "";
  for (const Mount& outer : mounts) {
    if (&outer != mount_at(mounts, outer.point)) continue;
    const std::string prefix = outer.root == "/" ? "/" : outer.root + "/";
    if (outer.device != inner->device || outer.point == "/" || outer.root == inner->root ||
        !inner->root.starts_with(prefix))
      continue;
    return outer.point + "/" + inner->root.substr(prefix.size());
  }
  return "";
}

bool same_folder(const std::string& a, const std::string& b) {
  struct stat first{};
  struct stat second{};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

Result<std::vector<RootEntry>> read_root() {
  const DirFd root = TRY(open_dir("/"));
  std::vector<RootEntry> entries;
  const std::vector<std::string> names = TRY(list_names(root));
  for (const std::string& name : names) {
    struct stat st{};
    if (::fstatat(root.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
    RootEntry entry{.name = name, .link = {}, .is_folder = S_ISDIR(st.st_mode)};
    if (S_ISLNK(st.st_mode)) entry.link = read_link_at(root, name).value_or("");
    entry.writable =
        entry.is_folder && ::faccessat(root.get(), name.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace

std::string top_name(std::string_view path) {
  return std::string(split(path.substr(1), '/').front());
}

const TopLevel* Layout::find(std::string_view name) const {
  const auto found = std::ranges::find(names, name, &TopLevel::name);
  return found == names.end() ? nullptr : &*found;
}

Layout judge_layout(const std::vector<RootEntry>& root, const std::vector<Mount>& mounts) {
  Layout layout{.live = most_common_live(root), .names = {}};
  for (const RootEntry& entry : root) {
    const std::string path = "/" + entry.name;
    TopLevel name;
    name.name = entry.name;
    const std::string below = path + "/";
    name.holds_mounts = std::ranges::any_of(mounts, [&](const Mount& mount) {
      return mount.point.starts_with(below) && !contains(kPodFiles, mount.point);
    });
    if (!entry.link.empty() && live_of(entry) == layout.live) {
      name.place = Place::linked;
    } else if (entry.is_folder && entry.writable && contains(kStandard, entry.name)) {
      name.alias = find_alias(mounts, path);
      name.place = name.alias.empty() ? Place::folder : Place::filled;
      const bool allowed = contains(kFolders, entry.name) &&
                           (contains(kVolatile, entry.name) || !is_mountpoint(mounts, path));
      if (name.place == Place::folder && !allowed) continue;
    } else {
      continue;
    }
    layout.names.push_back(std::move(name));
  }
  return layout;
}

bool is_shown(const Layout& layout, const std::vector<Mount>& mounts, std::string_view path) {
  const std::string below = std::string(path) + "/";
  const std::string top = "/" + std::string(split(path.substr(1), '/').front()) + "/";
  const TopLevel* name = layout.find(std::string_view(top).substr(1, top.size() - 2));
  if (!name) return false;
  if (name->place == Place::linked) return true;
  return std::ranges::none_of(mounts, [&](const Mount& mount) {
    return mount.point.starts_with(top) && below.starts_with(mount.point + "/");
  });
}

Result<Layout> discover_layout() {
  const std::vector<RootEntry> root = TRY(read_root());
  const std::vector<Mount> mounts = TRY(read_mountinfo());
  Layout layout = judge_layout(root, mounts);
  for (const TopLevel& name : layout.names)
    if (name.place == Place::filled && !same_folder("/" + name.name, name.alias))
      return Error{Fault::unsupported,
                   fmt::format("/{} and {} ought to be one folder", name.name, name.alias)};
  return layout;
}

}  // namespace podpilot::sandbox
