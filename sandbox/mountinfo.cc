// SPDX-License-Identifier: Apache-2.0
#include "sandbox/mountinfo.h"

#include <algorithm>

#include "sandbox/base/io.h"
#include "sandbox/base/text.h"

namespace podpilot::sandbox {
namespace {

constexpr std::size_t kMaxMountinfo = 8 << 20;

// Space, tab, newline and backslash are written as \ooo.
std::string unescape(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '7'; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool octal = text[i] == '\\' && i + 3 < text.size() && digit(text[i + 1]) &&
                       digit(text[i + 2]) && digit(text[i + 3]);
    if (!octal) {
      out += text[i];
      continue;
    }
    out +=
        static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
    i += 3;
  }
  return out;
}

}  // namespace

std::vector<Mount> parse_mountinfo(std::string_view text) {
  constexpr std::size_t kDevice = 2;
  constexpr std::size_t kRoot = 3;
  constexpr std::size_t kPoint = 4;
  std::vector<Mount> mounts;
  for (const std::string_view line : split(text, '\n')) {
    const std::vector<std::string_view> fields = split(line, ' ');
    if (fields.size() <= kPoint) continue;
    Mount& mount = mounts.emplace_back(std::string(fields[kDevice]), unescape(fields[kRoot]),
                                       unescape(fields[kPoint]));
    // "- TYPE SOURCE SUPER-OPTIONS", after any number of optional fields.
    const auto dash = std::find(fields.begin() + kPoint, fields.end(), "-");
    if (fields.end() - dash < 4) continue;
    mount.type = dash[1];
    mount.super_options = dash[3];
  }
  return mounts;
}

Result<std::vector<Mount>> read_mountinfo() {
  const std::string text = TRY(read_file("/proc/self/mountinfo", kMaxMountinfo));
  return parse_mountinfo(text);
}

const Mount* mount_at(const std::vector<Mount>& mounts, std::string_view path) {
  const auto last = std::find_if(mounts.rbegin(), mounts.rend(),
                                 [&](const Mount& mount) { return mount.point == path; });
  return last == mounts.rend() ? nullptr : &*last;
}

bool holds_mount(const std::vector<Mount>& mounts, std::string_view path) {
  const std::string below = std::string(path) + "/";
  return std::ranges::any_of(mounts, [&](const Mount& mount) {
    return mount.point == path || mount.point.starts_with(below);
  });
}

bool is_mountpoint(const std::vector<Mount>& mounts, std::string_view path) {
  return mount_at(mounts, path) != nullptr;
}

}  // namespace podpilot::sandbox
