// SPDX-License-Identifier: Apache-2.0
#include "sandbox/flatten.h"

#include <sys/stat.h>

#include <ranges>

#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"
#include "sandbox/folder_reader.h"
#include "sandbox/tree_builder.h"

namespace podpilot::sandbox {

Result<TreeStats> flatten(const std::vector<std::string>& layers, const std::string& target,
                          const std::stop_token& stop, Ledger& ledger, std::uint64_t room) {
  const DirFd to = TRY(open_dir(target));
  std::vector<TreeBuilder::Layer> stack;
  for (const std::string& path : layers | std::views::reverse) {
    UniqueFd root = TRY(open_layer_root(path));
    struct stat st{};
    if (::fstat(root.get(), &st) != 0) return sys_error("fstat " + path);
    stack.push_back({path, std::move(root), ledger.knows(path), st.st_dev});
  }
  TreeStats stats = TRY(
      TreeBuilder(stack, to, TreeBuilder::Files::share, ledger, stop, room).build().within(target));
  for (const std::string& path : layers)
    if (!ledger.knows(path)) TRY(ledger.learn(path, stop));
  return stats;
}

Result<void> remove_flattened(BorrowedFd parent, const std::string& name, Ledger& ledger) {
  return remove_tree(parent, name, [&](BorrowedFd folder, const char* file) {
    return ledger.unlink(folder, file);
  });
}

}  // namespace podpilot::sandbox
