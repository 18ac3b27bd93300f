// SPDX-License-Identifier: Apache-2.0
#include "sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "sandbox/base/errno.h"

namespace podpilot::sandbox {
namespace {

// struct landlock_ruleset_attr as of ABI 6. Debian 12's headers end at ABI 2; older kernels take a
// longer struct whose tail is zero.
struct RulesetAttributes {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;
  std::uint64_t scoped = 0;
};

// linux/landlock.h: bits 0..12 came with ABI 1, REFER with 2, TRUNCATE with 3, IOCTL_DEV with 5.
constexpr std::uint64_t kAbi1 = (1ULL << 13) - 1;
constexpr std::uint64_t kRefer = 1ULL << 13;
constexpr std::uint64_t kTruncate = 1ULL << 14;
constexpr std::uint64_t kIoctlDevice = 1ULL << 15;
constexpr std::uint64_t kScopeAbstractUnix = 1ULL << 0;
constexpr std::uint64_t kScopeSignal = 1ULL << 1;

constexpr std::uint64_t kRead =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kDevices =
    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SOCK | kIoctlDevice;
// What a rule on a file, not a folder, may carry.
constexpr std::uint64_t kFileRights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                                      LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate | kIoctlDevice;

std::uint64_t handled_files(int abi) {
  std::uint64_t rights = kAbi1;
  if (abi >= 2) rights |= kRefer;
  if (abi >= 3) rights |= kTruncate;
  if (abi >= 5) rights |= kIoctlDevice;
  return rights;
}

Result<UniqueFd> create_ruleset(const RulesetAttributes& attributes, int abi) {
  // Before ABI 4 the struct had one member; a longer one with a zero tail is accepted as well.
  const std::size_t size = abi >= kScopingAbi ? sizeof attributes
                           : abi >= 4         ? 2 * sizeof(std::uint64_t)
                                              : sizeof(std::uint64_t);
  UniqueFd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset) return sys_error("landlock_create_ruleset");
  return ruleset;
}

Result<void> allow(BorrowedFd ruleset, const std::string& path, std::uint64_t rights,
                   int follow = 0) {
  const UniqueFd place(::open(path.c_str(), O_PATH | O_CLOEXEC | follow));
  if (!place && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) return {};
  if (!place) return sys_error("open " + path);
  struct stat st{};
  if (::fstat(place.get(), &st) != 0) return sys_error("fstat " + path);
  if (S_ISLNK(st.st_mode)) return {};
  landlock_path_beneath_attr rule{};
  rule.allowed_access = S_ISDIR(st.st_mode) ? rights : rights & kFileRights;
  rule.parent_fd = place.get();
  if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    return sys_error("landlock_add_rule " + path);
  return {};
}

Result<void> enforce(BorrowedFd ruleset) {
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
    return sys_error("landlock_restrict_self");
  return {};
}

}  // namespace

int landlock_abi() {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

Result<int> restrict_filesystem(const LandlockRules& rules) {
  const int abi = landlock_abi();
  // ABI 1 refuses every rename and link between folders (EXDEV): what is made in one place and put
  // into another could not be.
  if (abi < 2) return 0;
  const std::uint64_t files = handled_files(abi);
  RulesetAttributes attributes{.handled_access_fs = files};
  if (rules.scope_ipc && abi >= kScopingAbi) attributes.scoped = kScopeAbstractUnix | kScopeSignal;
  const UniqueFd ruleset = TRY(create_ruleset(attributes, abi));
  for (const std::string& path : rules.read) TRY(allow(ruleset, path, kRead & files));
  for (const std::string& path : rules.read_write) TRY(allow(ruleset, path, files & ~kDevices));
  TRY(enforce(ruleset));
  return abi;
}

Result<void> restrict_signals() {
  const RulesetAttributes attributes{.scoped = kScopeAbstractUnix | kScopeSignal};
  const UniqueFd ruleset = TRY(create_ruleset(attributes, kScopingAbi));
  return enforce(ruleset);
}

Result<void> restrict_to(const Reach& reach) {
  const int abi = landlock_abi();
  if (abi == 0) return Error{Fault::unsupported, "the kernel has no Landlock, or the pod hides it"};
  const std::uint64_t files = handled_files(abi);
  RulesetAttributes attributes{.handled_access_fs = files};
  if (abi >= kScopingAbi) attributes.scoped = kScopeAbstractUnix | kScopeSignal;
  const UniqueFd ruleset = TRY(create_ruleset(attributes, abi));
  for (const std::string& path : reach.read) TRY(allow(ruleset, path, kRead & files, O_NOFOLLOW));
  constexpr std::uint64_t kNodes = LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_CHAR;
  for (const std::string& path : reach.write)
    TRY(allow(ruleset, path, files & ~kNodes, O_NOFOLLOW));
  constexpr std::uint64_t kUse =
      LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate | kIoctlDevice;
  for (const std::string& path : reach.devices) TRY(allow(ruleset, path, kUse & files, O_NOFOLLOW));
  return enforce(ruleset);
}

Result<void> restrict_payload() {
  const int abi = landlock_abi();
  RulesetAttributes attributes;
  // With files in it a domain forbids renames between folders unless it handles them itself.
  if (abi >= 2) attributes.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | kRefer;
  if (abi >= kScopingAbi) attributes.scoped = kScopeAbstractUnix | kScopeSignal;
  if (abi < 2) return {};
  const UniqueFd ruleset = TRY(create_ruleset(attributes, abi));
  TRY(allow(ruleset, "/", attributes.handled_access_fs));
  return enforce(ruleset);
}

}  // namespace podpilot::sandbox
