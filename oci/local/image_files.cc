// SPDX-License-Identifier: Apache-2.0
#include "oci/local/image_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "oci/layer/decompress.h"
#include "oci/layer/entry_path.h"
#include "oci/layer/tar_reader.h"
#include "oci/limits.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

constexpr std::size_t kBufferBytes = 256 << 10;
constexpr int kMaxLinks = 8;

Result<std::uint64_t> file_size(BorrowedFd file, const std::string& name) {
  struct stat st{};
  if (::fstat(file.get(), &st) != 0) return sys_error("fstat " + name);
  if (!S_ISREG(st.st_mode)) return Error{Fault::invalid, printable(name) + ": is not a file"};
  return static_cast<std::uint64_t>(st.st_size);
}

Error missing(const std::string& name) {
  return {Fault::not_found, fmt::format("{}: is not in the image", printable(name))};
}

// An archive from its beginning. By offset, so that several threads can read it at once.
class ArchiveStream {
 public:
  explicit ArchiveStream(BorrowedFd archive) : archive_(archive), buffer_(kBufferBytes) {}

  TarReader reader() {
    return TarReader([this] { return next(); }, [this](std::uint64_t n) { return skip(n); });
  }

 private:
  Result<std::string_view> next() {
    ssize_t n = 0;
    do {
      n = ::pread(archive_.get(), buffer_.data(), buffer_.size(), static_cast<off_t>(offset_));
    } while (n < 0 && errno == EINTR);
    if (n < 0) return sys_error("read archive");
    offset_ += static_cast<std::uint64_t>(n);
    return std::string_view(buffer_.data(), static_cast<std::size_t>(n));
  }
  // Not beyond the end: there next() has to find that something is missing.
  std::uint64_t skip(std::uint64_t wanted) {
    struct stat st{};
    if (::fstat(archive_.get(), &st) != 0) return 0;
    const auto size = static_cast<std::uint64_t>(st.st_size);
    const std::uint64_t skipped = std::min(wanted, size - std::min(size, offset_));
    offset_ += skipped;
    return skipped;
  }

  BorrowedFd archive_;
  std::vector<char> buffer_;
  std::uint64_t offset_ = 0;
};

// gzip, zstd, bzip2, xz: no tar begins with these.
bool is_compressed(BorrowedFd archive) {
  char head[6] = {};
  if (::pread(archive.get(), head, sizeof head, 0) != sizeof head) return false;
  const std::string_view bytes(head, sizeof head);
  return is_gzip_or_zstd(bytes.substr(0, kMagicBytes)) || bytes.starts_with("BZh") ||
         bytes.starts_with("\xfd\x37zXZ");
}

}  // namespace

Result<std::string> ImageFiles::read(const std::string& name, std::size_t limit) {
  std::string out;
  TRY(stream(name, [&](std::string_view bytes) -> Result<void> {
    if (bytes.size() > limit - out.size())
      return Error{Fault::invalid, fmt::format("{}: larger than {} bytes", printable(name), limit)};
    out += bytes;
    return {};
  }));
  return out;
}

Result<void> ImageFiles::stream_blob(const std::string& name, std::uint64_t wanted,
                                     const Sink& sink) {
  const std::uint64_t has = TRY(size(name));
  if (has != wanted)
    return Error{Fault::corrupt, fmt::format("{}: has {} bytes, the manifest says {}",
                                             printable(name), has, wanted)};
  std::uint64_t left = wanted;
  TRY(stream(name, [&](std::string_view bytes) -> Result<void> {
    if (bytes.size() > left) return Error{Fault::transient, printable(name) + ": grows"};
    left -= bytes.size();
    return sink(bytes);
  }));
  if (left > 0) return Error{Fault::transient, printable(name) + ": shrinks"};
  return {};
}

// --- folder ---

Result<UniqueFd> FolderFiles::open(const std::string& name) const {
  Result<UniqueFd> file = open_beneath(folder_, name, O_RDONLY | O_NONBLOCK);
  if (!file && file.error().fault == Fault::not_found) return missing(name);
  return file;
}

Result<std::uint64_t> FolderFiles::size(const std::string& name) {
  const UniqueFd file = TRY(open(name));
  return file_size(file, name);
}

Result<void> FolderFiles::stream(const std::string& name, const Sink& sink) {
  const UniqueFd file = TRY(open(name));
  [[maybe_unused]] const std::uint64_t size = TRY(file_size(file, name));
  std::vector<char> buffer(kBufferBytes);
  for (;;) {
    const std::size_t n = TRY(read_some(file, buffer.data(), buffer.size()));
    if (n == 0) return {};
    TRY(sink({buffer.data(), n}));
  }
}

// --- archive ---

Result<std::unique_ptr<ArchiveFiles>> ArchiveFiles::open(UniqueFd archive) {
  [[maybe_unused]] const std::uint64_t size = TRY(file_size(archive, "archive"));
  if (is_compressed(archive))
    return Error{Fault::unsupported, "the archive is compressed: unpack it once (gunzip, zstd -d)"};
  std::unique_ptr<ArchiveFiles> out(new ArchiveFiles(std::move(archive)));
  TRY(out->scan());
  return out;
}

Result<void> ArchiveFiles::scan() {
  ArchiveStream stream(archive_);
  TarReader tar = stream.reader();
  TarEntry entry;
  for (std::uint64_t number = 0;; ++number) {
    const bool more = TRY(tar.next(entry));
    if (!more) return {};
    if (number == kMaxArchiveMembers)
      return Error{Fault::invalid, fmt::format("more than {} files", kMaxArchiveMembers)};
    const std::string name = TRY(clean_path(entry.path));
    Member member{.number = number, .size = entry.size, .target = {}};
    switch (entry.type) {
      case TarEntry::Type::file:
        break;
      case TarEntry::Type::hard_link:
        member.target = TRY(clean_path(entry.target));
        break;
      case TarEntry::Type::symlink: {
        // docker's archives before version 25: LAYER/layer.tar -> ../OTHER/layer.tar.
        const Result<std::string> target =
            clean_path(std::string(parent_of(name)) + "/" + entry.target);
        if (!target) continue;
        member.target = *target;
        break;
      }
      default:
        continue;
    }
    members_[name] = std::move(member);
  }
}

Result<std::string> ArchiveFiles::resolve(const std::string& name) const {
  std::string at = TRY(clean_path(name));
  for (int links = 0; links <= kMaxLinks; ++links) {
    const auto found = members_.find(at);
    if (found == members_.end()) return missing(name);
    if (found->second.target.empty()) return at;
    at = found->second.target;
  }
  return Error{Fault::invalid, printable(name) + ": too many links"};
}

Result<std::uint64_t> ArchiveFiles::size(const std::string& name) {
  const std::string at = TRY(resolve(name));
  return members_.at(at).size;
}

Result<void> ArchiveFiles::stream(const std::string& name, const Sink& sink) {
  const std::string at = TRY(resolve(name));
  const Member& member = members_.at(at);
  ArchiveStream archive(archive_);
  TarReader tar = archive.reader();
  TarEntry entry;
  for (std::uint64_t number = 0; number <= member.number; ++number) {
    const bool more = TRY(tar.next(entry));
    if (!more) return Error{Fault::transient, "the archive changes while it is read"};
  }
  std::uint64_t position = 0;
  for (;;) {
    const std::optional<TarData> data = TRY(tar.data());
    if (!data) break;
    if (data->offset != position) return Error{Fault::unsupported, printable(name) + ": is sparse"};
    position += data->bytes.size();
    TRY(sink(data->bytes));
  }
  if (position != member.size)
    return Error{Fault::corrupt, fmt::format("{}: the archive ends within it", printable(name))};
  return {};
}

}  // namespace podpilot::oci
