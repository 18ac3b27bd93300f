// SPDX-License-Identifier: Apache-2.0
#include "sandbox/user_database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <limits>
#include <optional>

#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::sandbox {
namespace {

constexpr std::size_t kMaxFileBytes = 4 << 20;
constexpr std::size_t kMaxLineBytes = 64 << 10;
constexpr std::size_t kMaxGroups = 1000;  // half of which already upsets NFS; NGROUPS_MAX is 65536

std::optional<std::uint32_t> parse_id(std::string_view text) {
  const auto number = parse_number(text);
  if (!number || *number >= std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

Error bad_id(std::string_view text) {
  return {Fault::invalid, fmt::format("user \"{}\": an id must be below 4294967295",
                                      printable(text.substr(0, 64)))};
}

// Calls `each` with the fields of every line; it says whether to go on.
template <typename Each>
void for_each_line(std::string_view file, Each&& each) {
  while (!file.empty()) {
    const std::string_view line = file.substr(0, file.find('\n'));
    file.remove_prefix(std::min(file.size(), line.size() + 1));
    if (line.empty() || line[0] == '#' || line.size() > kMaxLineBytes) continue;
    if (!each(split(line, ':'))) return;
  }
}

struct Entry {
  std::string name;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string home;
};

// name:password:uid:gid:gecos:home:shell. Broken lines are skipped, as libc does.
std::optional<Entry> find_passwd(std::string_view passwd, std::string_view name,
                                 std::optional<std::uint32_t> uid) {
  std::optional<Entry> found;
  for_each_line(passwd, [&](const std::vector<std::string_view>& fields) {
    if (fields.size() < 6) return true;
    const auto line_uid = parse_id(fields[2]);
    const auto line_gid = parse_id(fields[3]);
    if (!line_uid || !line_gid) return true;
    if (fields[0] == name || (uid && *line_uid == *uid))
      found = Entry{std::string(fields[0]), *line_uid, *line_gid, std::string(fields[5])};
    return !found;
  });
  return found;
}

// name:password:gid:member,member
std::optional<std::uint32_t> find_group(std::string_view group, std::string_view name) {
  std::optional<std::uint32_t> found;
  for_each_line(group, [&](const std::vector<std::string_view>& fields) {
    if (fields.size() >= 3 && fields[0] == name) found = parse_id(fields[2]);
    return !found;
  });
  return found;
}

std::vector<std::uint32_t> groups_of(std::string_view group, std::string_view member) {
  std::vector<std::uint32_t> out;
  for_each_line(group, [&](const std::vector<std::string_view>& fields) {
    if (fields.size() < 4) return true;
    const auto gid = parse_id(fields[2]);
    for (const std::string_view name : split(fields[3], ','))
      if (gid && name == member) {
        out.push_back(*gid);
        break;
      }
    return out.size() < kMaxGroups;
  });
  return out;
}

Result<std::uint32_t> group_id(std::string_view wanted, std::string_view group) {
  if (is_digits(wanted)) {
    const auto gid = parse_id(wanted);
    if (!gid) return bad_id(wanted);
    return *gid;
  }
  const auto gid = find_group(group, wanted);
  if (!gid)
    return Error{Fault::not_found, fmt::format("user: the image has no group \"{}\"",
                                               printable(wanted.substr(0, 64)))};
  return *gid;
}

enum class Seen { nothing, here, hidden };  // in one layer: hidden ends the search below it

// A component-wise look into one layer: /etc may be opaque, a whiteout or a symlink there.
Seen look_into(BorrowedFd layer, const std::string& name, std::string& content) {
  struct stat st{};
  if (::fstatat(layer.get(), "etc", &st, AT_SYMLINK_NOFOLLOW) != 0) return Seen::nothing;
  if (!S_ISDIR(st.st_mode)) return Seen::hidden;
  const Result<UniqueFd> etc = open_beneath(layer, "etc", O_RDONLY | O_DIRECTORY);
  if (!etc) return Seen::hidden;
  if (::fstatat(etc->get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISREG(st.st_mode)) return Seen::hidden;
    Result<std::string> bytes = read_file_at(*etc, name, kMaxFileBytes);
    if (bytes) content = *std::move(bytes);
    return Seen::here;
  }
  char opaque = 0;
  const bool is_opaque = ::fgetxattr(etc->get(), "user.overlay.opaque", &opaque, 1) == 1;
  return is_opaque && opaque == 'y' ? Seen::hidden : Seen::nothing;
}

std::string read_from_layers(const std::vector<std::string>& layers, const std::string& name) {
  std::string content;
  for (std::size_t i = layers.size(); i-- > 0;) {
    const Result<DirFd> layer = open_dir(layers[i]);
    if (!layer) continue;
    if (look_into(*layer, name, content) != Seen::nothing) break;
  }
  return content;
}

}  // namespace

Result<User> find_user(std::string_view wanted, std::string_view passwd, std::string_view group) {
  const std::size_t colon = wanted.find(':');
  const std::string_view name = wanted.substr(0, colon);
  std::optional<std::uint32_t> uid;
  if (name.empty()) uid = 0;
  if (is_digits(name)) {
    uid = parse_id(name);
    if (!uid) return bad_id(name);
  }
  const std::optional<Entry> entry = find_passwd(passwd, uid ? std::string_view("\n") : name, uid);
  if (!entry && !uid)
    return Error{Fault::not_found,
                 fmt::format("user: the image has no user \"{}\"", printable(name.substr(0, 64)))};

  User user;
  user.identity.uid = entry ? entry->uid : *uid;
  user.identity.gid = entry ? entry->gid : 0;
  if (entry && entry->home.starts_with('/')) user.home = entry->home;
  if (colon != std::string_view::npos && colon + 1 < wanted.size())
    user.identity.gid = TRY(group_id(wanted.substr(colon + 1), group));
  else if (entry)
    user.identity.groups = groups_of(group, entry->name);
  return user;
}

Result<User> find_user_in_layers(std::string_view wanted, const std::vector<std::string>& layers) {
  return find_user(wanted, read_from_layers(layers, "passwd"), read_from_layers(layers, "group"));
}

}  // namespace podpilot::sandbox
