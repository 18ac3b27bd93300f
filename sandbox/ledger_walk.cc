// SPDX-License-Identifier: Apache-2.0
// The ledger's methods that go through a layer.
#include <dirent.h>
#include <fcntl.h>

#include <functional>
#include <optional>

#include "sandbox/base/errno.h"
#include "sandbox/base/text.h"
#include "sandbox/folder_reader.h"
#include "sandbox/ledger.h"
#include "sandbox/tree_path.h"

namespace podpilot::sandbox {
namespace {

using Visit = std::function<void(const std::string& path, const struct stat& st)>;

struct Pending {
  std::size_t depth = 0;
  std::string name;
};

// Everything in `layer`, a folder before what is in it.
Result<void> walk(const std::string& layer, Ledger& ledger, const std::stop_token& stop,
                  const Visit& visit) {
  const UniqueFd root = TRY(open_layer_root(layer));
  TreePath path(ledger);
  FolderReader reader;
  std::vector<Pending> pending;
  pending.emplace_back();
  while (!pending.empty()) {
    const Pending here = std::move(pending.back());
    pending.pop_back();
    TRY(path.enter(here.depth, here.name));
    const TreePath::Folder folder = TRY(path.open(root));
    visit(path.text().empty() ? "." : path.text(), folder.was);
    reader.start(folder.fd);
    for (;;) {
      if (stop.stop_requested()) return Error{Fault::transient, "stopped"};
      const std::optional<FolderEntry> entry = TRY(reader.next());
      if (!entry) break;
      if (entry->type == DT_DIR) {
        pending.push_back({here.depth + 1, entry->name});
        continue;
      }
      struct stat st{};
      if (::fstatat(folder.fd.get(), entry->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return sys_error("stat " + printable(entry->name));
      visit(path.below(entry->name), st);
    }
  }
  return path.leave();
}

}  // namespace

Result<std::uint32_t> Ledger::number_of(const std::string& layer) const {
  const auto known = layers_.find(layer);
  if (known == layers_.end()) return Error{Fault::not_found, layer + ": was not learnt"};
  return known->second.number;
}

Result<void> Ledger::learn(const std::string& layer, const std::stop_token& stop) {
  forget(layer);
  const std::uint32_t number = next_layer_++;
  layers_.emplace(layer, Layer{.number = number, .identity = identity_of(layer)});
  Result<void> learnt = walk(layer, *this, stop, [&](const std::string&, const struct stat& st) {
    if (look(st) == Look::unknown) put(number, st);
  });
  if (!learnt) forget(layer);
  return std::move(learnt).within(layer);
}

Result<std::vector<std::string>> Ledger::check(const std::string& layer,
                                               const std::stop_token& stop) {
  [[maybe_unused]] const std::uint32_t number = TRY(number_of(layer));
  std::vector<std::string> changed;
  const Result<void> checked =
      walk(layer, *this, stop, [&](const std::string& path, const struct stat& st) {
        if (look(st) != Look::same) changed.push_back(path);
      });
  if (!checked) return Error(checked.error()).within(layer);
  return changed;
}

Result<void> Ledger::accept(const std::string& layer, const std::string& path) {
  const std::uint32_t number = TRY(number_of(layer));
  const UniqueFd root = TRY(open_layer_root(layer));
  const std::size_t slash = path.rfind('/');
  const UniqueFd folder = TRY(open_folder(
      root, slash == std::string::npos ? "" : std::string_view(path).substr(0, slash), O_PATH));
  struct stat st{};
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (::fstatat(folder.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
    return sys_error("stat " + printable(path));
  put(number, st);
  return {};
}

}  // namespace podpilot::sandbox
