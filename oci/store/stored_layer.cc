// SPDX-License-Identifier: Apache-2.0
#include "oci/store/stored_layer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>

#include "oci/layer/crc.h"
#include "oci/layer/folder_cache.h"
#include "oci/layer/layer_disk.h"
#include "oci/layer/layer_tree.h"
#include "oci/limits.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

using Type = LayerEntry::Type;

constexpr const char* kSettled = "settled";

Result<DirFd> open_at(BorrowedFd parent, const std::string& name) {
  UniqueFd fd = TRY(open_beneath(parent, name, O_RDONLY | O_DIRECTORY));
  return DirFd(std::move(fd));
}

mode_t file_type(Type type) {
  switch (type) {
    case Type::folder:
      return S_IFDIR;
    case Type::symlink:
      return S_IFLNK;
    case Type::fifo:
      return S_IFIFO;
    case Type::whiteout:
      return S_IFCHR;
    default:
      return S_IFREG;
  }
}

Result<void> read_pieces(BorrowedFd file, const std::function<void(std::string_view)>& take) {
  constexpr std::size_t kBuffer = 256 << 10;
  const auto buffer = std::make_unique_for_overwrite<char[]>(kBuffer);
  for (;;) {
    const std::size_t n = TRY(read_some(file, buffer.get(), kBuffer));
    if (n == 0) return {};
    take({buffer.get(), n});
  }
}

Result<std::uint64_t> crc_of(BorrowedFd file) {
  Crc64 crc;
  TRY(read_pieces(file, [&crc](std::string_view piece) { crc.update(piece); }));
  return crc.value();
}

class Inspector {
 public:
  Inspector(const LayerTree& tree, BorrowedFd root, std::size_t limit)
      : tree_(tree), files_(tree.files()), folders_(files_, root), limit_(limit) {}

  Result<std::vector<std::string>> run() {
    for (NodeId id = 0; id < files_.size() && problems_.size() < limit_; ++id) {
      if (id != FileTree::kRoot) TRY(inspect(id));
      if (files_[id].kind == FileTree::Kind::folder) TRY(inspect_names(id));
    }
    return std::move(problems_);
  }

 private:
  void report(NodeId id, std::string_view what) {
    problems_.push_back(fmt::format("{}: {}", printable(files_.path(id)), what));
  }

  // Nothing if something above is missing: that was reported there.
  std::optional<BorrowedFd> folder(NodeId id) {
    Result<BorrowedFd> fd = folders_.open(id);
    return fd ? std::optional(*fd) : std::nullopt;
  }

  Result<void> inspect(NodeId id) {
    const std::optional<BorrowedFd> parent = folder(files_[id].parent);
    if (!parent) return {};
    const LayerEntry& line = tree_.index().entries[tree_.inode(id)];
    const char* name = files_[id].name.data();
    struct stat st{};
    if (::fstatat(parent->get(), name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
      report(id, errno_name(errno));
      return {};
    }
    if ((st.st_mode & S_IFMT) != file_type(line.type)) {
      report(id, "is of another type");
      return {};
    }
    if (line.type == Type::whiteout) {
      if (st.st_rdev != makedev(0, 0)) report(id, "is a device");
      return {};
    }
    if (line.type == Type::symlink) return inspect_symlink(id, *parent, line);
    const mode_t mode =
        line.type == Type::folder ? stored_folder_mode(line.mode) : stored_file_mode(line.mode);
    if ((st.st_mode & 07777) != mode) report(id, "has another mode");
    if (line.type == Type::file) return inspect_file(id, *parent, line, st);
    return {};
  }

  Result<void> inspect_symlink(NodeId id, BorrowedFd parent, const LayerEntry& line) {
    if (read_link_at(parent, std::string(files_[id].name)).value_or("") != line.target)
      report(id, "points elsewhere");
    return {};
  }

  Result<void> inspect_file(NodeId id, BorrowedFd parent, const LayerEntry& line,
                            const struct stat& st) {
    if (static_cast<std::uint64_t>(st.st_size) != line.size) {
      report(id, fmt::format("has {} bytes, not {}", st.st_size, line.size));
      return {};
    }
    // Of several names of one inode the first is enough.
    if (tree_.entry(id).type == Type::hard_link) return {};
    const UniqueFd file(::openat(parent.get(), files_[id].name.data(),
                                 O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file && errno == EACCES) return {};
    if (!file) return sys_error("open " + printable(files_.path(id)));
    const Result<std::uint64_t> crc = crc_of(file);
    if (!crc)
      report(id, crc.error().text);
    else if (*crc != line.crc)
      report(id, "has another content");
    return {};
  }

  // Everything in the index was looked at on its own: more names than there means strangers.
  Result<void> inspect_names(NodeId id) {
    const std::optional<BorrowedFd> fd = folder(id);
    if (!fd) return {};
    return each_name(*fd, [&](const char* name) -> Result<void> {
      if (files_.find(id, name) == kNoNode && problems_.size() < limit_)
        report(id, "has an unknown " + printable(name));
      return {};
    });
  }

  const LayerTree& tree_;
  const FileTree& files_;
  FolderCache folders_;
  std::size_t limit_;
  std::vector<std::string> problems_;
};

}  // namespace

Result<DirFd> open_layer(const StoreLayout& store, const Digest& diff_id) {
  return open_at(store.layers, diff_id.hex());
}

Result<LayerIndex> read_layer_index(BorrowedFd layer, std::shared_ptr<Spill> memory) {
  const UniqueFd file = TRY(open_beneath(layer, "index", O_RDONLY | O_NONBLOCK));
  struct stat st{};
  if (::fstat(file.get(), &st) != 0) return sys_error("fstat index");
  if (!S_ISREG(st.st_mode) || static_cast<std::uint64_t>(st.st_size) > kMaxLayerIndexBytes)
    return Error{Fault::corrupt, "layer index: not a file of ours"};
  LayerIndexParser parser(std::move(memory));
  TRY(read_pieces(file, [&parser](std::string_view piece) { parser.take(piece); }));
  return parser.finish();
}

Result<LayerTotals> read_layer_totals_in(BorrowedFd layer) {
  const UniqueFd file = TRY(open_beneath(layer, "index", O_RDONLY));
  return read_layer_totals(file);
}

Result<std::vector<std::string>> find_damage(BorrowedFd layer, std::size_t limit) {
  const Result<LayerIndex> index = read_layer_index(layer, std::make_shared<Spill>(layer));
  if (!index) return std::vector<std::string>{index.error().text};
  const Result<LayerTree> tree = LayerTree::of(*index);
  if (!tree) return std::vector<std::string>{tree.error().text};
  const Result<DirFd> root = open_at(layer, "fs");
  if (!root) return std::vector<std::string>{root.error().text};
  return Inspector(*tree, *root, limit).run();
}

Result<bool> is_settled(BorrowedFd layer, const std::string& boot) {
  if (::faccessat(layer.get(), kSettled, F_OK, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (boot.empty()) return false;
  const UniqueFd file = TRY(open_beneath(layer, "index", O_RDONLY));
  const std::string made_in = TRY(read_layer_boot(file));
  return made_in == boot;
}

Result<void> mark_settled(BorrowedFd layer) {
  if (::syncfs(layer.get()) != 0) return sys_error("syncfs");
  return replace_file_at(layer, kSettled, "", 0600, Durable::yes);
}

}  // namespace podpilot::oci
