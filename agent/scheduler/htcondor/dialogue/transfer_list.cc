// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/dialogue/transfer_list.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

#include "agent/scheduler/htcondor/dialogue/transfer_place.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

enum class Kind { absent, file, folder, special };

struct Found {
  Kind kind = Kind::absent;
  struct stat st{};
  bool link = false;
};

Kind kind_of(const struct stat& st) {
  if (S_ISREG(st.st_mode)) return Kind::file;
  return S_ISDIR(st.st_mode) ? Kind::folder : Kind::special;
}

// Symlinks count as what they lead to below the folder.
Found look(BorrowedFd folder, const std::string& path) {
  Found found;
  if (!is_legal_name(path)) return found;
  const Result<UniqueFd> target = open_in_root(folder, path, O_PATH);
  if (!target || ::fstat(target->get(), &found.st) != 0) return found;
  found.kind = kind_of(found.st);
  // openat2(2): with O_PATH and O_NOFOLLOW a last symlink is opened itself.
  const Result<UniqueFd> itself = open_beneath(folder, path, O_PATH);
  struct stat st{};
  found.link = !itself || ::fstat(itself->get(), &st) != 0 || S_ISLNK(st.st_mode);
  return found;
}

// "./a//b/" is {"a", "b"}.
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (const std::string_view part : split(path, '/'))
    if (!part.empty() && part != ".") parts.emplace_back(part);
  return parts;
}

std::string join(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : fmt::format("{}/{}", folder, name);
}

class Collector {
 public:
  Collector(BorrowedFd folder, std::size_t limit) : folder_(folder), limit_(limit) {}

  Result<void> add(const OutgoingFile& file, std::uint64_t bytes) {
    if (out_.files.size() == limit_)
      return Error{Fault::exhausted, fmt::format("more than {} output files", limit_)};
    out_.files.push_back(file);
    out_.bytes += bytes;
    return {};
  }

  Result<void> listed(const std::string& item, bool preserve_relative_paths);
  Result<void> changed(const OutputWish& wish, const Catalog& before);
  OutgoingFiles take() { return std::move(out_); }

 private:
  Result<void> parents(const std::vector<std::string>& parts);
  Result<void> contents(const std::string& path, const std::string& name);

  const BorrowedFd folder_;
  const std::size_t limit_;
  std::set<std::string> folders_;  // sent already, as another's parents
  OutgoingFiles out_;
};

Result<void> Collector::parents(const std::vector<std::string>& parts) {
  std::string path;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    path = join(path, parts[i]);
    if (folders_.insert(path).second) TRY(add({path, path, true}, 0));
  }
  return {};
}

// All below the folder at `path`, which travels as `name`; "" is the top. By a list of what is
// still to do, because a payload's tree may be deeper than our stack.
Result<void> Collector::contents(const std::string& path, const std::string& name) {
  std::vector<std::pair<std::string, std::string>> todo{{path, name}};
  while (!todo.empty()) {
    const auto [from, to] = std::move(todo.back());
    todo.pop_back();
    const Result<UniqueFd> folder = open_in_root(folder_, from, O_RDONLY | O_DIRECTORY);
    if (!folder) {
      // As a file it fails, and says why.
      TRY(add({from, to.empty() ? parts_of(from).back() : to, false}, 0));
      continue;
    }
    std::vector<std::string> names = TRY(list_names(*folder, limit_).within(printable(from)));
    std::sort(names.begin(), names.end());
    for (const std::string& entry : names) {
      const std::string below = join(from, entry);
      const Found found = look(folder_, below);
      if (found.kind == Kind::special) continue;  // a socket or FIFO is no output
      const bool down = found.kind == Kind::folder && !found.link;
      const OutgoingFile file{below, join(to, entry), down};
      if (!down || folders_.insert(file.name).second)
        TRY(add(file, found.kind == Kind::file ? static_cast<std::uint64_t>(found.st.st_size) : 0));
      if (down) todo.emplace_back(below, file.name);
    }
  }
  return {};
}

Result<void> Collector::listed(const std::string& item, bool preserve_relative_paths) {
  const std::vector<std::string> parts = parts_of(item);
  if (parts.empty() || item.front() == '/' || !is_legal_name(item))
    return add({item, parts.empty() ? "output" : parts.back(), false}, 0);
  std::string path;
  for (const std::string& part : parts) path = join(path, part);
  const bool contents_only = item.back() == '/' && !preserve_relative_paths;
  if (preserve_relative_paths) TRY(parents(parts));
  const std::string name = preserve_relative_paths ? path : parts.back();
  const Found found = look(folder_, path);
  if (found.kind == Kind::special) return {};
  if (found.kind != Kind::folder || (found.link && !contents_only))
    return add({path, name, false},
               found.kind == Kind::file ? static_cast<std::uint64_t>(found.st.st_size) : 0);
  if (contents_only) return contents(path, "");
  if (folders_.insert(name).second) TRY(add({path, name, true}, 0));
  return contents(path, name);
}

Result<void> Collector::changed(const OutputWish& wish, const Catalog& before) {
  const Catalog now = TRY(take_catalog(folder_));
  for (const auto& [name, file] : now) {
    if (name == wish.stdout_path || name == wish.stderr_path) continue;
    if (std::find(wish.not_output.begin(), wish.not_output.end(), name) != wish.not_output.end())
      continue;
    const auto known = before.find(name);
    if (known != before.end() && known->second == file) continue;
    TRY(add({name, name, false}, file.size));
  }
  return {};
}

}  // namespace

Result<Catalog> take_catalog(BorrowedFd folder) {
  Catalog catalog;
  const std::vector<std::string> names = TRY(list_names(folder, kMaxTopLevel));
  for (const std::string& name : names) {
    const Found found = look(folder, name);
    if (found.kind != Kind::file) continue;
    catalog[name] = {found.st.st_mtim.tv_sec, found.st.st_mtim.tv_nsec,
                     static_cast<std::uint64_t>(found.st.st_size)};
  }
  return catalog;
}

Result<OutgoingFiles> outgoing_files(BorrowedFd folder, const OutputWish& wish,
                                     const Catalog& before, std::size_t limit) {
  Collector collector(folder, limit);
  if (wish.list)
    for (const std::string& item : *wish.list)
      TRY(collector.listed(item, wish.preserve_relative_paths));
  else
    TRY(collector.changed(wish, before));
  const std::pair<const std::string&, const char*> streams[] = {{wish.stdout_path, kRemoteStdout},
                                                                {wish.stderr_path, kRemoteStderr}};
  for (const auto& [path, name] : streams) {
    // A job that never started has none.
    const Found found = look(folder, path);
    if (found.kind == Kind::file)
      TRY(collector.add({path, name, false}, static_cast<std::uint64_t>(found.st.st_size)));
  }
  return collector.take();
}

}  // namespace podpilot::agent::htcondor
