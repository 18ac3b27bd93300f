// SPDX-License-Identifier: Apache-2.0
#include "sandbox/copy_tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "sandbox/base/errno.h"
#include "sandbox/base/text.h"
#include "sandbox/tree_builder.h"

namespace podpilot::sandbox {

Result<TreeStats> copy_tree(BorrowedFd from, const std::string& name, BorrowedFd to,
                            const std::stop_token& stop, Ledger& ledger, std::uint64_t room) {
  const std::string shown = printable(name);
  std::vector<TreeBuilder::Layer> source(1);
  source[0].path = shown;
  source[0].root = TRY(open_folder(from, name, O_PATH));
  struct stat st{};
  if (::fstat(source[0].root.get(), &st) != 0) return sys_error("fstat " + shown);
  source[0].device = st.st_dev;
  if (::mkdirat(to.get(), name.c_str(), 0700) != 0) return sys_error("mkdir " + shown);
  const UniqueFd target = TRY(open_folder(to, name, O_PATH));
  return TreeBuilder(source, target, TreeBuilder::Files::copy, ledger, stop, room).build();
}

}  // namespace podpilot::sandbox
