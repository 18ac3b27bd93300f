// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>

#include "oci/limits.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

constexpr std::size_t kTarBlock = 512;
constexpr std::array<char, kTarBlock> kPadding{};

bool is_padding(const void* bytes) {
  const auto* at = static_cast<const char*>(bytes);
  return !std::less<>()(at, kPadding.data()) && std::less<>()(at, kPadding.data() + kTarBlock);
}

std::string text_or_empty(const char* text) {
  return text ? text : "";
}

// A warning of EILSEQ comes for every name that the locale cannot express; its bytes are right. Any
// other is of a header that the next reader may understand differently.
bool usable(archive* a, int status) {
  return status == ARCHIVE_OK || (status == ARCHIVE_WARN && archive_errno(a) == EILSEQ);
}

TarEntry::Type type_of(archive_entry* raw) {
  using Type = TarEntry::Type;
  if (archive_entry_hardlink(raw)) return Type::hard_link;
  switch (archive_entry_filetype(raw)) {
    case AE_IFDIR:
      return Type::folder;
    case AE_IFLNK:
      return Type::symlink;
    case AE_IFIFO:
      return Type::fifo;
    case AE_IFSOCK:
      return Type::socket;
    case AE_IFBLK:
    case AE_IFCHR:
      return Type::device;
    default:
      return Type::file;
  }
}

Result<void> read_xattrs(archive_entry* raw, TarEntry& entry) {
  const int count = archive_entry_xattr_reset(raw);
  if (count > static_cast<int>(kMaxXattrsPerEntry))
    return Error{Fault::invalid,
                 fmt::format("{} extended attributes, more than {}", count, kMaxXattrsPerEntry)};
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (archive_entry_xattr_next(raw, &name, &value, &size) == ARCHIVE_OK) {
    if (!name) continue;
    if (size > kMaxXattrBytes)
      return Error{Fault::invalid,
                   fmt::format("an extended attribute of more than {} bytes", kMaxXattrBytes)};
    entry.xattrs.emplace_back(name, std::string(static_cast<const char*>(value), size));
  }
  return {};
}

// libarchive (3.6.2, 3.8 too) loses the target of a link whose header has none, but whose pax
// header has one that the locale cannot express, as Go writes "l -> \u65e5": unless some link came
// before it. So one does, of our making.
std::string primer() {
  std::string header(512, '\0');
  const auto put = [&header](std::size_t at, std::string_view text) {
    header.replace(at, text.size(), text);
  };
  put(0, "primer");
  put(100, "0000777");
  put(124, "00000000000");
  put(136, "00000000000");
  put(148, "        ");
  put(156, "2target");
  put(257, std::string_view("ustar\00000", 8));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, fmt::format("{:06o}", sum));
  header[154] = '\0';
  return header;
}

}  // namespace

void TarReader::Close::operator()(archive* a) const {
  archive_read_free(a);
}

TarReader::TarReader(Source source, Skip skip)
    : source_(std::move(source)), skip_(std::move(skip)), archive_(archive_read_new()) {}
TarReader::~TarReader() = default;

ssize_t TarReader::read_source(archive* a, void* self, const void** bytes) {
  auto& reader = *static_cast<TarReader*>(self);
  if (!reader.primed_) {
    static const std::string first = primer();
    reader.primed_ = true;
    *bytes = first.data();
    return static_cast<ssize_t>(first.size());
  }
  Result<std::string_view> more = reader.source_();
  if (!more) {
    reader.source_error_ = std::move(more).error();
    archive_set_error(a, EIO, "source failed");
    return -1;
  }
  // Some tools (umoci insert) end an archive with its last file, unpadded and without an end mark.
  // The missing zeroes are given here; that nothing else is missing is the digest's to say.
  const std::size_t odd = reader.delivered_ % kTarBlock;
  if (more->empty() && odd != 0) *more = std::string_view(kPadding.data(), kTarBlock - odd);
  reader.delivered_ += more->size();
  *bytes = more->data();
  return static_cast<ssize_t>(more->size());
}

std::int64_t TarReader::skip_source(archive* /*a*/, void* self, std::int64_t bytes) {
  auto& reader = *static_cast<TarReader*>(self);
  const std::uint64_t skipped = reader.skip_(static_cast<std::uint64_t>(bytes));
  reader.delivered_ += skipped;
  return static_cast<std::int64_t>(skipped);
}

Error TarReader::failure(std::string_view what) {
  if (source_error_) return *source_error_;
  const char* reason = archive_error_string(archive_.get());
  const int err = archive_errno(archive_.get());
  return {err == ENOMEM ? Fault::exhausted : Fault::invalid,
          fmt::format("{}: {}", what, printable(reason ? reason : "not a tar archive"))};
}

Result<void> TarReader::open() {
  archive* a = archive_.get();
  if (!a) return Error{Fault::exhausted, "no memory for a tar reader"};
  archive_read_support_format_tar(a);
  if (archive_read_open2(a, this, nullptr, &TarReader::read_source,
                         skip_ ? &TarReader::skip_source : nullptr, nullptr) != ARCHIVE_OK)
    return failure("open tar");
  opened_ = true;
  archive_entry* raw = nullptr;
  [[maybe_unused]] const bool primed = TRY(advance(&raw));
  return {};
}

// False at the end.
Result<bool> TarReader::advance(archive_entry** raw) {
  const int status = archive_read_next_header(archive_.get(), raw);
  if (status == ARCHIVE_EOF) return false;
  if (usable(archive_.get(), status)) return true;
  return failure(last_.empty() ? "tar header"
                               : fmt::format("tar header after {}", printable(last_)));
}

Result<bool> TarReader::next(TarEntry& entry) {
  if (!opened_) TRY(open());
  archive_entry* raw = nullptr;
  const bool more = TRY(advance(&raw));
  if (!more) return false;
  TRY(fill(raw, entry));
  last_ = entry.path;
  size_ = entry.size;
  position_ = 0;
  return true;
}

Result<void> TarReader::fill(archive_entry* raw, TarEntry& entry) const {
  entry.xattrs.clear();
  entry.type = type_of(raw);
  entry.path = text_or_empty(archive_entry_pathname(raw));
  entry.target =
      text_or_empty(entry.type == TarEntry::Type::hard_link ? archive_entry_hardlink(raw)
                                                            : archive_entry_symlink(raw));
  if (entry.path.size() > kMaxPathBytes || entry.target.size() > kMaxPathBytes)
    return Error{Fault::invalid, fmt::format("{}: a name of more than {} bytes",
                                             printable(std::string_view(entry.path).substr(0, 200)),
                                             kMaxPathBytes)};
  entry.mode = archive_entry_mode(raw) & 07777;
  entry.uid = static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_uid(raw), 0));
  entry.gid = static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_gid(raw), 0));
  const bool sized = entry.type == TarEntry::Type::file && archive_entry_size_is_set(raw);
  const la_int64_t size = sized ? archive_entry_size(raw) : 0;
  if (size < 0) return Error{Fault::invalid, printable(entry.path) + ": has a negative size"};
  entry.size = static_cast<std::uint64_t>(size);
  entry.mtime = archive_entry_mtime(raw);
  entry.mtime_nsec =
      static_cast<std::uint32_t>(std::clamp<long>(archive_entry_mtime_nsec(raw), 0, 999'999'999));
  return read_xattrs(raw, entry).within(printable(entry.path));
}

Result<std::optional<TarData>> TarReader::data() {
  const void* bytes = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  do {
    const int status = archive_read_data_block(archive_.get(), &bytes, &size, &offset);
    if (status == ARCHIVE_EOF) return std::optional<TarData>();
    if (!usable(archive_.get(), status)) return failure("tar data");
  } while (size == 0);
  if (is_padding(bytes)) return Error{Fault::invalid, "tar data: the archive ends within it"};
  const auto start = static_cast<std::uint64_t>(offset);
  if (offset < 0 || start < position_ || start > size_ || size > size_ - start)
    return Error{Fault::invalid, "a sparse map that overlaps itself or leaves its file"};
  position_ = start + size;
  return std::optional(TarData{{static_cast<const char*>(bytes), size}, start});
}

}  // namespace podpilot::oci
