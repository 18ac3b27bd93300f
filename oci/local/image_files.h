// SPDX-License-Identifier: Apache-2.0
// The files of an image that somebody put on a disk, as a folder or in one archive. Their names
// come from that image: nothing outside of it can be named. Safe to use from several threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "oci/source.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

class ImageFiles {
 public:
  virtual ~ImageFiles() = default;

  virtual Result<std::uint64_t> size(const std::string& name) = 0;
  // The whole file, in pieces.
  virtual Result<void> stream(const std::string& name, const Sink& sink) = 0;
  // Fault::invalid for one larger than `limit`.
  Result<std::string> read(const std::string& name, std::size_t limit);
  // stream(), as Source::blob() promises it: Fault::corrupt for a file of another size than
  // `wanted`.
  Result<void> stream_blob(const std::string& name, std::uint64_t wanted, const Sink& sink);
};

class FolderFiles final : public ImageFiles {
 public:
  explicit FolderFiles(DirFd folder) : folder_(std::move(folder)) {}

  Result<std::uint64_t> size(const std::string& name) override;
  Result<void> stream(const std::string& name, const Sink& sink) override;

 private:
  Result<UniqueFd> open(const std::string& name) const;
  DirFd folder_;
};

// A tar. Its headers are read once; each file is found again by skipping, not by reading, what
// stands before it.
class ArchiveFiles final : public ImageFiles {
 public:
  // Fault::unsupported for a compressed archive, in which nothing can be found again.
  static Result<std::unique_ptr<ArchiveFiles>> open(UniqueFd archive);

  Result<std::uint64_t> size(const std::string& name) override;
  Result<void> stream(const std::string& name, const Sink& sink) override;

 private:
  explicit ArchiveFiles(UniqueFd archive) : archive_(std::move(archive)) {}
  Result<void> scan();
  Result<std::string> resolve(const std::string& name) const;

  struct Member {
    std::uint64_t number = 0;  // of its header, from the archive's start
    std::uint64_t size = 0;
    std::string target;  // of a link: the clean name that it leads to
  };
  UniqueFd archive_;
  std::map<std::string, Member> members_;
};

}  // namespace podpilot::oci
