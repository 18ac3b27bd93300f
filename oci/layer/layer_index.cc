// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/layer_index.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "oci/limits.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"

namespace podpilot::oci {
namespace {

constexpr std::string_view kMagic = "podpilot-layer-index 1 ";
constexpr std::string_view kEnd = "end ";
constexpr std::size_t kMaxEndLine = 80;
// Two strings, each byte of which may be escaped, and numbers.
constexpr std::size_t kMaxLine = 2 * 4 * kMaxPathBytes + 256;

void append_escaped(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || byte == '\\')
      fmt::format_to(std::back_inserter(out), "\\{:03o}", byte);
    else
      out += c;
  }
}

bool has_target(LayerEntry::Type type) {
  using Type = LayerEntry::Type;
  return type == Type::symlink || type == Type::hard_link || type == Type::pending_link;
}

Error damaged(std::string_view what) {
  return {Fault::corrupt, fmt::format("layer index: {}", what)};
}

// One line, field by field; a bad field leaves ok() false.
class Fields {
 public:
  explicit Fields(char* begin, char* end) : at_(begin), end_(end) {}

  bool ok() const { return ok_; }
  bool done() const { return at_ == end_; }

  template <typename T>
  T number(int base = 10) {
    T value{};
    const auto [stop, error] = std::from_chars(at_, end_, value, base);
    if (error != std::errc()) ok_ = false;
    at_ += stop - at_;
    separator();
    return value;
  }
  std::string_view word() {
    char* begin = at_;
    while (at_ != end_ && *at_ != ' ') ++at_;
    const std::string_view found(begin, static_cast<std::size_t>(at_ - begin));
    if (found.empty()) ok_ = false;
    separator();
    return found;
  }
  // Undoes the escapes in place.
  std::string_view bytes() {
    char* begin = at_;
    char* out = at_;
    for (; at_ != end_ && *at_ != ' '; ++at_) {
      if (*at_ == '\\') {
        unsigned value = 0;
        if (end_ - at_ < 4 || std::from_chars(at_ + 1, at_ + 4, value, 8).ptr != at_ + 4 ||
            value == 0 || value > 0xFF) {
          ok_ = false;
          return {};
        }
        at_ += 3;
        *out++ = static_cast<char>(value);
      } else {
        *out++ = *at_;
      }
    }
    if (out == begin) ok_ = false;
    separator();
    return {begin, static_cast<std::size_t>(out - begin)};
  }
  // A number that a '.' follows instead of a space.
  std::int64_t whole_seconds() {
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(at_, end_, value);
    if (error != std::errc()) ok_ = false;
    at_ += stop - at_;
    if (at_ != end_ && *at_ == '.')
      ++at_;
    else
      ok_ = false;
    return value;
  }

 private:
  void separator() {
    if (at_ == end_) return;
    if (*at_ != ' ' || at_ + 1 == end_)
      ok_ = false;
    else
      ++at_;
  }

  char* at_;
  char* end_;
  bool ok_ = true;
};

bool is_type(std::string_view word) {
  return word.size() == 1 && std::string_view("DFHSPXLWO").find(word[0]) != std::string_view::npos;
}

// A path as the writer makes it. What is damaged must not lead out of the layer's folder either.
bool is_sound_path(std::string_view path) {
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == "..") return false;
    if (part.size() == path.size()) return true;
    path.remove_prefix(part.size() + 1);
  }
  return false;
}

Result<LayerEntry> parse_line(char* begin, char* end) {
  Fields fields(begin, end);
  LayerEntry entry;
  const std::string_view type = fields.word();
  if (!is_type(type)) return damaged("unknown type of line");
  entry.type = static_cast<LayerEntry::Type>(type[0]);
  entry.mode = fields.number<std::uint16_t>(8);
  entry.uid = fields.number<std::uint64_t>();
  entry.gid = fields.number<std::uint64_t>();
  entry.size = fields.number<std::uint64_t>();
  entry.mtime = fields.whole_seconds();
  entry.mtime_nsec = fields.number<std::uint32_t>();
  entry.crc = fields.number<std::uint64_t>(16);
  for (const char flag : fields.word()) {
    entry.implied |= flag == 'i';
    entry.xattrs |= flag == 'x';
    entry.capability |= flag == 'c';
  }
  entry.path = fields.bytes();
  if (entry.path == ".")
    entry.path = {};
  else if (!is_sound_path(entry.path))
    return damaged("a path that is none");
  if (has_target(entry.type)) entry.target = fields.bytes();
  if (!fields.ok() || !fields.done()) return damaged("a line that is no entry");
  if (entry.type == LayerEntry::Type::hard_link && !is_sound_path(entry.target))
    return damaged("a hard link to nothing");
  return entry;
}

// "end COUNT BYTES CRC" without its newline.
struct EndLine {
  LayerTotals totals;
  std::uint64_t crc = 0;
};
Result<EndLine> parse_end(std::string_view line) {
  std::string copy(line);
  Fields fields(copy.data(), copy.data() + copy.size());
  EndLine end;
  const bool is_end = fields.word() == "end";
  end.totals.entries = fields.number<std::uint64_t>();
  end.totals.disk_bytes = fields.number<std::uint64_t>();
  end.crc = fields.number<std::uint64_t>(16);
  if (!is_end || !fields.ok() || !fields.done()) return damaged("incomplete");
  return end;
}

// Where the last line begins; npos without one.
std::size_t last_line(std::string_view text) {
  if (!text.ends_with('\n')) return std::string_view::npos;
  const std::size_t newline = text.substr(0, text.size() - 1).rfind('\n');
  return newline == std::string_view::npos ? newline : newline + 1;
}

std::string boot_in(std::string_view first_line) {
  const std::string_view boot = first_line.substr(kMagic.size());
  return boot == "-" ? "" : std::string(boot);
}

}  // namespace

void LayerIndexParser::take(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t newline = piece.find('\n');
    line_.append(piece.substr(0, newline));
    if (newline == std::string_view::npos && line_.size() <= kMaxLine) return;
    if (line_.size() > kMaxLine) line_.clear();  // not one of ours: the checksum will not match
    if (newline == std::string_view::npos) return;
    line_ += '\n';
    take_line();
    line_.clear();
    piece.remove_prefix(newline + 1);
  }
}

// The checksum is of all up to itself.
void LayerIndexParser::take_line() {
  if (end_) crc_.update(end_->substr(end_->rfind(' ') + 1));
  end_.reset();
  if (line_.starts_with(kEnd)) {
    crc_.update(std::string_view(line_).substr(0, line_.rfind(' ') + 1));
    end_ = line_;
    return;
  }
  crc_.update(line_);
  if (lines_++ == 0) {
    ours_ = line_.starts_with(kMagic);
    if (ours_) index_.boot = boot_in(std::string_view(line_).substr(0, line_.size() - 1));
  } else if (entries_) {
    entries_ = take_entry();
  }
}

Result<void> LayerIndexParser::take_entry() {
  LayerEntry entry = TRY(parse_line(line_.data(), line_.data() + line_.size() - 1));
  entry.path = index_.memory->keep(entry.path);
  if (!entry.target.empty()) entry.target = index_.memory->keep(entry.target);
  index_.entries.push_back(entry);
  return {};
}

Result<LayerIndex> LayerIndexParser::finish() {
  if (!end_ || !line_.empty()) return damaged("incomplete");
  const EndLine end = TRY(parse_end(std::string_view(*end_).substr(0, end_->size() - 1)));
  if (crc_.value() != end.crc) return damaged("wrong checksum");
  if (!ours_)
    return Error{Fault::unsupported, "layer index: not of a format that this podpilot reads"};
  TRY(std::move(entries_));
  if (index_.entries.size() != end.totals.entries) return damaged("wrong number of entries");
  index_.totals = end.totals;
  return std::move(index_);
}

Result<LayerIndex> parse_layer_index(std::string_view text, std::shared_ptr<Spill> memory) {
  LayerIndexParser parser(std::move(memory));
  parser.take(text);
  return parser.finish();
}

Result<LayerTotals> read_layer_totals(BorrowedFd file) {
  struct stat st{};
  if (::fstat(file.get(), &st) != 0) return sys_error("fstat");
  std::string tail(std::min<std::size_t>(static_cast<std::size_t>(st.st_size), kMaxEndLine + 1), 0);
  const ssize_t n =
      ::pread(file.get(), tail.data(), tail.size(), st.st_size - static_cast<off_t>(tail.size()));
  if (n < 0) return sys_error("pread");
  tail.resize(static_cast<std::size_t>(n));
  const std::size_t begin = last_line(tail);
  if (begin == std::string::npos) return damaged("incomplete");
  const EndLine end = TRY(parse_end(std::string_view(tail).substr(begin, tail.size() - begin - 1)));
  return end.totals;
}

Result<std::string> read_layer_boot(BorrowedFd file) {
  std::array<char, 128> head{};
  const ssize_t n = ::pread(file.get(), head.data(), head.size(), 0);
  if (n < 0) return sys_error("pread");
  const std::string_view text(head.data(), static_cast<std::size_t>(n));
  const std::size_t newline = text.find('\n');
  if (!text.starts_with(kMagic) || newline == std::string_view::npos) return damaged("incomplete");
  return boot_in(text.substr(0, newline));
}

LayerIndexWriter::LayerIndexWriter(BorrowedFd file, std::string_view boot) : file_(file) {
  buffer_ = fmt::format("{}{}\n", kMagic, boot.empty() ? "-" : boot);
}

Result<void> LayerIndexWriter::add(const LayerEntry& entry) {
  std::string flags;
  if (entry.implied) flags += 'i';
  if (entry.xattrs) flags += 'x';
  if (entry.capability) flags += 'c';
  fmt::format_to(std::back_inserter(buffer_), "{} {:04o} {} {} {} {}.{:09} {:016x} {} ",
                 static_cast<char>(entry.type), entry.mode, entry.uid, entry.gid, entry.size,
                 entry.mtime, entry.mtime_nsec, entry.crc, flags.empty() ? "-" : flags);
  if (entry.path.empty())
    buffer_ += '.';
  else
    append_escaped(buffer_, entry.path);
  if (has_target(entry.type)) {
    buffer_ += ' ';
    append_escaped(buffer_, entry.target);
  }
  buffer_ += '\n';
  ++entries_;
  constexpr std::size_t kFlushAt = 256 << 10;
  return buffer_.size() >= kFlushAt ? flush() : Result<void>();
}

Result<void> LayerIndexWriter::flush() {
  crc_.update(buffer_);
  written_ += buffer_.size();
  if (written_ > kMaxLayerIndexBytes)
    return Error{Fault::invalid, "the names of its entries are too long together"};
  TRY(write_all(file_, buffer_));
  buffer_.clear();
  return {};
}

Result<void> LayerIndexWriter::finish(std::uint64_t disk_bytes) {
  buffer_ += fmt::format("{}{} {} ", kEnd, entries_, disk_bytes);
  TRY(flush());
  return write_all(file_, fmt::format("{:016x}\n", crc_.value()));
}

}  // namespace podpilot::oci
