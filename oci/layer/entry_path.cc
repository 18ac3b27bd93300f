// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/entry_path.h"

#include <fmt/format.h>

#include <vector>

#include "oci/limits.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kMeta = ".wh..wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::size_t kMaxName = 255;  // NAME_MAX

Error refused(std::string_view name, std::string_view why) {
  return {Fault::invalid, fmt::format("\"{}\" {}", printable(name.substr(0, 200)), why)};
}

}  // namespace

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view base_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

Result<std::string> clean_path(std::string_view name) {
  std::vector<std::string_view> kept;
  for (const std::string_view part : split(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == ".." && kept.empty()) return refused(name, "leads out of the image");
    if (part.size() > kMaxName) return refused(name, "has a component of more than 255 bytes");
    if (part == "..")
      kept.pop_back();
    else
      kept.push_back(part);
  }
  if (kept.size() > kMaxPathDepth)
    return refused(name, fmt::format("is more than {} folders deep", kMaxPathDepth));
  std::string path;
  for (const std::string_view part : kept) {
    if (!path.empty()) path += '/';
    path += part;
  }
  return path;
}

Result<EntryName> parse_entry_name(std::string path) {
  const std::string_view base = base_of(path);
  if (!base.starts_with(kWhiteout)) return EntryName{EntryName::Kind::plain, std::move(path)};
  if (base == kOpaque) return EntryName{EntryName::Kind::opaque, std::string(parent_of(path))};
  const std::string_view hidden = base.substr(kWhiteout.size());
  if (hidden.empty() || hidden == "." || hidden == "..")
    return refused(path, "is a whiteout without a name");
  if (base.starts_with(kMeta)) return EntryName{EntryName::Kind::ignored, std::move(path)};
  std::string target(parent_of(path));
  if (!target.empty()) target += '/';
  target += hidden;
  return EntryName{EntryName::Kind::whiteout, std::move(target)};
}

}  // namespace podpilot::oci
