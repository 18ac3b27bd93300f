// SPDX-License-Identifier: Apache-2.0
// Makes one plain tree of a stack of layers: carries out what FolderMerge decides, folder by
// folder.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"
#include "sandbox/folder_merge.h"
#include "sandbox/folder_reader.h"
#include "sandbox/ledger.h"
#include "sandbox/tree_path.h"
#include "sandbox/tree_stats.h"
#include "sandbox/user_xattrs.h"

namespace podpilot::sandbox {

class TreeBuilder {
 public:
  enum class Files { share, copy };

  struct Layer {
    std::string path;
    UniqueFd root;
    bool known = false;  // to the ledger
    dev_t device = 0;
  };

  // Layers from the topmost one down. `target` is an empty folder. All outlive this. Copies of more
  // than `room` bytes in all are Fault::exhausted.
  TreeBuilder(const std::vector<Layer>& layers, BorrowedFd target, Files files, Ledger& ledger,
              const std::stop_token& stop, std::uint64_t room)
      : layers_(layers),
        target_(target),
        files_(files),
        ledger_(ledger),
        stop_(stop),
        room_(room),
        any_known_(std::ranges::any_of(layers, &Layer::known)),
        path_(ledger) {}

  Result<TreeStats> build();

 private:
  struct Pending {
    std::size_t depth = 0;
    FolderMerge::Folder folder;
  };
  // What the topmost layer's folder gives to the merged one.
  struct Metadata {
    struct stat st{};
    UserXattrs xattrs;
  };

  Result<void> fill(const Pending& here, std::vector<Pending>& pending);
  Result<void> merge_layers(const Pending& here, BorrowedFd target, FolderMerge& merge,
                            Metadata& metadata);
  Result<void> merge_names(BorrowedFd source, LayerNumber number, BorrowedFd target,
                           FolderMerge& merge);
  Result<void> finish_folder(BorrowedFd target, const Metadata& metadata, bool has_folders);
  Result<void> make(BorrowedFd source, const Layer& layer, const FolderEntry& entry,
                    BorrowedFd target);
  Result<void> share(BorrowedFd source, const Layer& layer, const char* name, BorrowedFd target);
  Result<void> copy(BorrowedFd source, const char* name, BorrowedFd target);
  Result<void> copy_file(BorrowedFd source, const char* name, const struct stat& st,
                         BorrowedFd target);
  Result<void> link_to_copy(const std::string& copy, const char* name, BorrowedFd target);
  void report(Ledger::Look look, const Layer& layer, std::string path);

  const std::vector<Layer>& layers_;
  BorrowedFd target_;
  Files files_;
  Ledger& ledger_;
  const std::stop_token& stop_;
  std::uint64_t room_;
  bool any_known_;  // layers share files: then those of all are looked at
  TreePath path_;
  FolderReader reader_;
  TreeStats stats_;
  // Copies of files with several names, by the source: paths below the target.
  std::map<std::pair<dev_t, ino_t>, std::string> copies_;
};

}  // namespace podpilot::sandbox
