// SPDX-License-Identifier: Apache-2.0
#include "sandbox/tree_path.h"

#include <fcntl.h>

#include <utility>

#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"
#include "sandbox/folder_reader.h"

namespace podpilot::sandbox {

TreePath::~TreePath() {
  [[maybe_unused]] const Result<void> ignored = leave();
}

std::string TreePath::below(std::string_view name) const {
  std::string path = text_;
  if (!path.empty()) path += '/';
  return path += name;
}

Result<void> TreePath::enter(std::size_t depth, std::string_view name) {
  while (levels_.size() > depth) TRY(leave_last());
  levels_.push_back({text_.size(), {}});
  if (!text_.empty()) text_ += '/';
  text_ += name;
  return {};
}

// Goes on after a failure: other folders are owed theirs.
Result<void> TreePath::leave() {
  Result<void> all;
  while (!levels_.empty()) {
    Result<void> left = leave_last();
    if (!left) all = std::move(left);
  }
  return all;
}

Result<void> TreePath::leave_last() {
  Result<void> all;
  for (const Owed& owed : levels_.back().owed) {
    const Result<UniqueFd> folder = open_folder(owed.root, text_, O_PATH);
    if (!folder) {
      all = folder.error();
      continue;
    }
    struct stat now{};
    if (::chmod(fd_path(*folder).c_str(), owed.mode) != 0 || ::fstat(folder->get(), &now) != 0)
      all = sys_error("chmod " + printable(text_));
    else
      ledger_.follow(owed.was, now);
  }
  text_.resize(levels_.back().above);
  levels_.pop_back();
  return all;
}

Result<TreePath::Folder> TreePath::open(BorrowedFd root) {
  Result<UniqueFd> fd = open_folder(root, text_, O_RDONLY);
  const bool closed = fd ? false : fd.error().fault == Fault::denied;
  if (closed) {
    TRY(open_up(root));
    fd = open_folder(root, text_, O_RDONLY);
  }
  Folder folder;
  folder.fd = TRY(std::move(fd));
  if (::fstat(folder.fd.get(), &folder.was) != 0) return sys_error("fstat " + printable(text_));
  // It can be read, but who cannot enter it cannot use a name in it.
  if (!closed && (folder.was.st_mode & 0100) == 0) {
    TRY(open_up(root));
    return folder;
  }
  if (closed) folder.was = levels_.back().owed.back().was;
  return folder;
}

Result<void> TreePath::open_up(BorrowedFd root) {
  UniqueFd below;
  // "." of a folder that cannot be entered cannot be opened.
  if (!text_.empty()) below = TRY(open_folder(root, text_, O_PATH));
  const BorrowedFd folder = text_.empty() ? root : BorrowedFd(below);
  struct stat st{};
  if (::fstat(folder.get(), &st) != 0) return sys_error("fstat " + printable(text_));
  if (::chmod(fd_path(folder).c_str(), (st.st_mode & 07777) | 0500) != 0)
    return sys_error("chmod " + printable(text_));
  levels_.back().owed.push_back({root, st.st_mode & 07777, st});
  return {};
}

void TreePath::set_mode_when_left(BorrowedFd root, mode_t mode) {
  levels_.back().owed.push_back({root, mode, {}});
}

}  // namespace podpilot::sandbox
