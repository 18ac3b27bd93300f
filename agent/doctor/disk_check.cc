// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "agent/doctor/site_checks.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/process.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

constexpr std::chrono::seconds kPatience{5};

// Images are larger than that, nearly all.
constexpr std::uint64_t kLittle = 1 << 30;

// A script is looked at for noexec as any program is; its interpreter, named so, is podpilot.
Result<void> run_from(const DirFd& folder, const std::string& path) {
  const std::string name = fmt::format(".doctor-{}", ::getpid());
  TRY(replace_file_at(folder, name, "#!/proc/self/exe version\n", 0700, Durable::no));
  Result<ChildProcess> child =
      spawn({.program = path + "/" + name, .argv = {name}, .environment = {}, .descriptors = {}});
  Result<void> done;
  if (!child) {
    done = std::move(child).error();
  } else {
    const auto status = child->wait(Deadline::after(kPatience));
    if (!status || !*status || (*status)->shell_code() != 0)
      done = Error{Fault::unsupported, "a program there does not run to its end"};
  }
  TRY(remove_tree(folder, name));
  return done;
}

Result<void> try_user_xattr(const DirFd& folder) {
  const char* name = "user.podpilot.doctor";
  if (::fsetxattr(folder.get(), name, "y", 1, 0) != 0) return sys_error(name);
  ::fremovexattr(folder.get(), name);
  return {};
}

}  // namespace

Finding check_disk(const std::string& name, const std::string& path, const Result<void>& opened) {
  const auto refused = [&](const std::string& why) {
    return Finding{name, Mark::bad, fmt::format("{}: {}", path, why), remedy_of(Reason::volume)};
  };
  if (!opened) return refused(opened.error().text);
  const Result<DirFd> folder = open_dir(path);
  if (!folder) return refused(folder.error().text);
  struct statvfs space{};
  struct statfs disk{};
  if (::fstatvfs(folder->get(), &space) != 0 || ::fstatfs(folder->get(), &disk) != 0)
    return refused(sys_error("statfs").text);
  const std::uint64_t bytes = std::uint64_t{space.f_bavail} * space.f_frsize;
  std::string seen = fmt::format("{}: {}", path, human_bytes(bytes));
  // Filesystems that make them as needed tell none.
  if (space.f_files != 0) seen += fmt::format(" and {} files", space.f_favail);
  seen += " free";
  if (bytes == 0 || (space.f_files != 0 && space.f_favail == 0))
    return {name, Mark::bad, seen, remedy_of(Reason::full_disk)};
  if (const Result<void> ran = run_from(*folder, path); !ran) return refused(ran.error().text);
  seen += "; programs run from it";
  if (const Result<void> set = try_user_xattr(*folder); !set)
    return {name, Mark::note,
            fmt::format("{}; {}: no overlay can be made of it", seen, set.error().text),
            remedy_of(Reason::volume)};
  if (disk.f_type == OVERLAYFS_SUPER_MAGIC)
    return {name, Mark::note, seen + "; it is an overlay, and takes no other on top",
            remedy_of(Reason::volume)};
  if (bytes < kLittle) return {name, Mark::note, seen, remedy_of(Reason::full_disk)};
  return {name, Mark::good, seen + ", user xattrs"};
}

}  // namespace podpilot::agent
