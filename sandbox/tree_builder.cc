// SPDX-License-Identifier: Apache-2.0
#include "sandbox/tree_builder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

#include "sandbox/base/errno.h"
#include "sandbox/base/text.h"
#include "sandbox/copy_entry.h"

namespace podpilot::sandbox {

Result<TreeStats> TreeBuilder::build() {
  Pending root;
  for (std::size_t i = 0; i < layers_.size(); ++i)
    root.folder.layers.push_back(static_cast<LayerNumber>(i));
  std::vector<Pending> pending;
  pending.push_back(std::move(root));
  while (!pending.empty()) {
    const Pending here = std::move(pending.back());
    pending.pop_back();
    TRY(path_.enter(here.depth, here.folder.name));
    Result<void> filled = fill(here, pending);
    if (!filled) return std::move(filled).error().within(printable("/" + path_.text()));
  }
  TRY(path_.leave());
  return std::move(stats_);
}

Result<void> TreeBuilder::fill(const Pending& here, std::vector<Pending>& pending) {
  const UniqueFd target = TRY(open_folder(target_, path_.text(), O_RDONLY));
  FolderMerge merge;
  Metadata metadata;
  TRY(merge_layers(here, target, merge, metadata));
  std::vector<FolderMerge::Folder> folders = merge.take_folders();
  for (FolderMerge::Folder& folder : folders) {
    if (::mkdirat(target.get(), folder.name.c_str(), 0700) != 0)
      return sys_error("mkdir " + printable(folder.name));
    pending.push_back({here.depth + 1, std::move(folder)});
  }
  ++stats_.folders;
  return finish_folder(target, metadata, !folders.empty());
}

Result<void> TreeBuilder::merge_layers(const Pending& here, BorrowedFd target, FolderMerge& merge,
                                       Metadata& metadata) {
  const std::vector<LayerNumber>& numbers = here.folder.layers;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const Layer& layer = layers_[numbers[i]];
    const TreePath::Folder source = TRY(path_.open(layer.root).within(layer.path));
    if (source.was.st_dev != layer.device)
      return Error{Fault::invalid, layer.path + ": has another filesystem in it"};
    if (any_known_) report(ledger_.look(source.was), layer, path_.text());
    const bool top = i == 0;
    const bool lowest = i + 1 == numbers.size();
    UserXattrs xattrs;
    if (top || !lowest) xattrs = TRY(read_user_xattrs(source.fd));
    // overlayfs does not look at the root's.
    const bool last = lowest || (xattrs.opaque && here.depth > 0);
    if (top) metadata = {source.was, std::move(xattrs)};
    merge.begin(numbers[i], last);
    TRY(merge_names(source.fd, numbers[i], target, merge));
    if (last) break;
  }
  return {};
}

Result<void> TreeBuilder::merge_names(BorrowedFd source, LayerNumber number, BorrowedFd target,
                                      FolderMerge& merge) {
  reader_.start(source);
  for (;;) {
    if (stop_.stop_requested()) return Error{Fault::transient, "stopped"};
    const std::optional<FolderEntry> entry = TRY(reader_.next());
    if (!entry) return {};
    if (entry->type == DT_DIR)
      merge.see_folder(entry->name);
    else if (merge.see_other(entry->name))
      TRY(make(source, layers_[number], *entry, target));
  }
}

Result<void> TreeBuilder::finish_folder(BorrowedFd target, const Metadata& metadata,
                                        bool has_folders) {
  TRY(set_user_xattrs(target, metadata.xattrs));
  const std::array<timespec, 2> times{metadata.st.st_atim, metadata.st.st_mtim};
  if (::futimens(target.get(), times.data()) != 0) return sys_error("futimens");
  const mode_t mode = metadata.st.st_mode & 07777;
  if (has_folders && (mode & 0100) == 0) {
    path_.set_mode_when_left(target_, mode);
    return {};
  }
  if (::fchmod(target.get(), mode) != 0) return sys_error("fchmod");
  return {};
}

Result<void> TreeBuilder::make(BorrowedFd source, const Layer& layer, const FolderEntry& entry,
                               BorrowedFd target) {
  switch (entry.type) {
    case DT_REG:
    case DT_LNK:
      return files_ == Files::share ? share(source, layer, entry.name, target)
                                    : copy(source, entry.name, target);
    case DT_FIFO:  // a link would be a channel to whoever else has the layer
      ++stats_.copied;
      return copy_entry(source, target, entry.name, stop_, ledger_);
    case DT_CHR:  // a whiteout; of devices the store keeps none
      return {};
    default:
      ++stats_.skipped;
      return {};
  }
}

Result<void> TreeBuilder::share(BorrowedFd source, const Layer& layer, const char* name,
                                BorrowedFd target) {
  struct stat before{};
  if (any_known_ && ::fstatat(source.get(), name, &before, AT_SYMLINK_NOFOLLOW) != 0)
    return sys_error("stat " + printable(name));
  Ledger::Look look = any_known_ ? ledger_.look(before) : Ledger::Look::unknown;
  if (::linkat(source.get(), name, target.get(), name, 0) == 0) {
    ++stats_.linked;
    // This moved the ctime.
    struct stat after{};
    const bool same = look == Ledger::Look::same;
    if (same && ::fstatat(target.get(), name, &after, AT_SYMLINK_NOFOLLOW) != 0)
      return sys_error("stat " + printable(name));
    if (same && !ledger_.follow(before, after)) look = Ledger::Look::changed;
  } else if (errno == EXDEV || errno == EMLINK || errno == EPERM) {
    // EPERM: fs.protected_hardlinks for a file of somebody else's, or a filesystem without links.
    struct stat st{};
    if (::fstatat(source.get(), name, &st, AT_SYMLINK_NOFOLLOW) != 0)
      return sys_error("stat " + printable(name));
    TRY(copy_file(source, name, st, target));
  } else {
    return sys_error("link " + printable(name));
  }
  if (any_known_ && look != Ledger::Look::same) report(look, layer, path_.below(name));
  return {};
}

Result<void> TreeBuilder::copy(BorrowedFd source, const char* name, BorrowedFd target) {
  struct stat st{};
  if (::fstatat(source.get(), name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return sys_error("stat " + printable(name));
  if (st.st_nlink > 1) {
    const auto [first, is_first] = copies_.try_emplace({st.st_dev, st.st_ino}, path_.below(name));
    // Where the first copy's folder is closed by now, this one becomes a file of its own.
    const Result<void> linked =
        is_first ? Result<void>() : link_to_copy(first->second, name, target);
    if (!is_first && (linked || linked.error().fault != Fault::denied)) return linked;
  }
  return copy_file(source, name, st, target);
}

Result<void> TreeBuilder::copy_file(BorrowedFd source, const char* name, const struct stat& st,
                                    BorrowedFd target) {
  stats_.copied_bytes += static_cast<std::uint64_t>(st.st_size);
  if (stats_.copied_bytes > room_)
    return Error{Fault::exhausted, fmt::format("copies of more than {}", human_bytes(room_))};
  ++stats_.copied;
  return copy_entry(source, target, name, stop_, ledger_);
}

Result<void> TreeBuilder::link_to_copy(const std::string& copy, const char* name,
                                       BorrowedFd target) {
  const std::size_t slash = copy.rfind('/');
  const std::string_view parent =
      slash == std::string::npos ? "" : std::string_view(copy).substr(0, slash);
  const UniqueFd folder = TRY(open_folder(target_, parent, O_PATH));
  const char* made = copy.c_str() + (slash == std::string::npos ? 0 : slash + 1);
  if (::linkat(folder.get(), made, target.get(), name, 0) != 0)
    return sys_error("link " + printable(name));
  ++stats_.linked;
  return {};
}

// What a layer that is not known yet has is not known yet, either.
void TreeBuilder::report(Ledger::Look look, const Layer& layer, std::string path) {
  if (look == Ledger::Look::same || (look == Ledger::Look::unknown && !layer.known)) return;
  stats_.changed.push_back({layer.path, path.empty() ? "." : std::move(path)});
}

}  // namespace podpilot::sandbox
