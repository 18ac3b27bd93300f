// SPDX-License-Identifier: Apache-2.0
#include "sandbox/metadata_call.h"

#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "sandbox/base/text.h"

namespace podpilot::sandbox {
namespace {

constexpr int kNone = -1;

// Numbers of arguments. What a call changes begins at `first`.
struct Row {
  long number;
  Change change;
  int folder;  // kNone: the working folder, or of calls without a path the descriptor is argument 0
  int path;
  int first;
  int flags;
  bool follow;
  TimeFormat format = TimeFormat::nanoseconds;
};

constexpr auto kRows = std::to_array<Row>({
#ifdef SYS_chmod  // the calls that newer architectures leave out
    {SYS_chmod, Change::mode, kNone, 0, 1, kNone, true},
    {SYS_chown, Change::owner, kNone, 0, 1, kNone, true},
    {SYS_lchown, Change::owner, kNone, 0, 1, kNone, false},
    {SYS_utime, Change::times, kNone, 0, 1, kNone, true, TimeFormat::seconds},
    {SYS_utimes, Change::times, kNone, 0, 1, kNone, true, TimeFormat::microseconds},
    {SYS_futimesat, Change::times, 0, 1, 2, kNone, true, TimeFormat::microseconds},
#endif
    {SYS_fchmod, Change::mode, 0, kNone, 1, kNone, true},
    {SYS_fchmodat, Change::mode, 0, 1, 2, kNone, true},
    {SYS_fchown, Change::owner, 0, kNone, 1, kNone, true},
    {SYS_fchownat, Change::owner, 0, 1, 2, 4, true},
    {SYS_utimensat, Change::times, 0, 1, 2, 3, true},
    {SYS_setxattr, Change::set_attribute, kNone, 0, 1, kNone, true},
    {SYS_lsetxattr, Change::set_attribute, kNone, 0, 1, kNone, false},
    {SYS_fsetxattr, Change::set_attribute, 0, kNone, 1, kNone, true},
    {SYS_removexattr, Change::remove_attribute, kNone, 0, 1, kNone, true},
    {SYS_lremovexattr, Change::remove_attribute, kNone, 0, 1, kNone, false},
    {SYS_fremovexattr, Change::remove_attribute, 0, kNone, 1, kNone, true},
});

// Prefixes of a descriptor's number.
constexpr std::array<std::string_view, 3> kOwnDescriptors = {"/proc/self/fd/", "/dev/fd/",
                                                             "/proc/thread-self/fd/"};

// What /proc/self/fd shows of files that are in no folder.
constexpr std::array<std::string_view, 4> kNowhere = {"pipe:[", "socket:[",
                                                      "anon_inode:", "/memfd:"};

}  // namespace

std::optional<MetadataCall> read_call(const seccomp_data& data) {
  const auto row = std::ranges::find(kRows, data.nr, [](const Row& r) { return r.number; });
  if (row == kRows.end()) return std::nullopt;
  const auto argument = [&](int i) { return data.args[i]; };
  const auto number = [&](int i) { return static_cast<int>(data.args[i]); };
  MetadataCall call{.change = row->change, .follow = row->follow, .format = row->format};
  if (row->folder != kNone) call.folder = number(row->folder);
  call.by_path = row->path != kNone;
  if (call.by_path) call.path = argument(row->path);
  if (row->flags != kNone) {
    const int flags = number(row->flags);
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return std::nullopt;
    if (flags & AT_SYMLINK_NOFOLLOW) call.follow = false;
    call.may_be_empty = (flags & AT_EMPTY_PATH) != 0;
  }
  switch (row->change) {
    case Change::mode:
    case Change::owner:
      call.first = static_cast<std::uint32_t>(argument(row->first));
      if (row->change == Change::owner)
        call.second = static_cast<std::uint32_t>(argument(row->first + 1));
      break;
    case Change::times:
      call.data = argument(row->first);
      if (call.path == 0) call.by_path = false;  // utimensat(2): the descriptor itself
      break;
    case Change::set_attribute:
      call.value = argument(row->first + 1);
      call.size = argument(row->first + 2);
      call.flags = number(row->first + 3);
      [[fallthrough]];
    case Change::remove_attribute:
      call.data = argument(row->first);
      break;
  }
  return call;
}

Start start_of(int folder, std::string_view path) {
  for (const std::string_view prefix : kOwnDescriptors) {
    if (!path.starts_with(prefix)) continue;
    const std::string_view rest = path.substr(prefix.size());
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const auto descriptor = parse_number(rest.substr(0, slash));
    if (!descriptor || *descriptor > INT32_MAX) break;
    const std::size_t name = rest.find_first_not_of('/', slash);
    const bool folder_only = slash < rest.size() && name == std::string_view::npos;
    return {static_cast<int>(*descriptor), folder_only ? "."
                                           : name == std::string_view::npos
                                               ? ""
                                               : std::string(rest.substr(name))};
  }
  return {folder, std::string(path)};
}

std::size_t size_of_times(TimeFormat format) {
  return format == TimeFormat::seconds ? 2 * sizeof(std::int64_t) : 4 * sizeof(std::int64_t);
}

std::optional<Times> read_times(TimeFormat format, std::string_view bytes) {
  std::array<std::int64_t, 4> raw{};
  if (bytes.size() != size_of_times(format)) return std::nullopt;
  std::memcpy(raw.data(), bytes.data(), bytes.size());
  if (format == TimeFormat::seconds) return Times{{raw[0], 0}, {raw[1], 0}};
  if (format == TimeFormat::nanoseconds) return Times{{raw[0], raw[1]}, {raw[2], raw[3]}};
  constexpr std::int64_t kMillion = 1'000'000;
  for (const std::int64_t micro : {raw[1], raw[3]})
    if (micro < 0 || micro >= kMillion) return std::nullopt;
  return Times{{raw[0], raw[1] * 1000}, {raw[2], raw[3] * 1000}};
}

bool may_change(std::string_view link, const std::vector<std::string>& trees) {
  for (const std::string_view nowhere : kNowhere)
    if (link.starts_with(nowhere)) return true;
  for (const std::string& tree : trees)
    if (link.starts_with(tree) && (link.size() == tree.size() || link[tree.size()] == '/'))
      return true;
  return false;
}

}  // namespace podpilot::sandbox
