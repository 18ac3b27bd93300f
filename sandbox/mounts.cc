// SPDX-License-Identifier: Apache-2.0
#include "sandbox/mounts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"
#include "sandbox/bind_mount.h"
#include "sandbox/targets.h"

namespace podpilot::sandbox {
namespace {

// Names inside the stage: an overlay's options are one page in all and split at ':' and ',', so
// folders are given by one short symlink each, whatever their real paths are.
constexpr const char* kRoot = "root";
constexpr const char* kUpper = "up";
constexpr const char* kWork = "wk";

Result<bool> is_folder(BorrowedFd fd) {
  struct stat st{};
  if (::fstat(fd.get(), &st) != 0) return sys_error("fstat");
  return S_ISDIR(st.st_mode);
}

// Read-only: a device can be written all the same, but the node's mode and owner stay. Where the
// pilot is root, the payload's root is the owner of the pod's /dev/null.
constexpr std::uint64_t kDeviceFlags = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;

// Whether the payload's user owns what /proc shows of this process. The entries of one that is not
// dumpable belong to root of the user namespace in which it was executed (task_dump_owner() in
// fs/proc/base.c), and a pilot that is root there makes its own uid the payload's: the payload
// could write this process' oom_score_adj and list its descriptors.
bool own_entry_is_ours() {
  struct stat st{};
  return ::stat("/proc/self/fd", &st) != 0 || st.st_uid == ::geteuid();
}

// As the pod's /proc counts, which may be mounted for another pid namespace.
Result<pid_t> own_number() {
  std::array<char, 16> text{};
  if (::readlink("/proc/self", text.data(), text.size() - 1) < 0) return sys_error("/proc/self");
  const auto number = parse_number(text.data());
  if (!number) return Error{Fault::unsupported, "/proc/self names no process"};
  return static_cast<pid_t>(*number);
}

std::uint64_t attributes(Access access, std::uint64_t more) {
  return more | MOUNT_ATTR_NOSUID | (access == Access::read_only ? MOUNT_ATTR_RDONLY : 0);
}

}  // namespace

Result<void> MountBuilder::begin(const std::string& workspace) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return sys_error("make mounts private");
  const DirFd folder = TRY(open_dir(workspace));
  for (const char* name : {"upper", "work"})
    if (::mkdirat(folder.get(), name, 0755) != 0) return sys_error(fmt::format("mkdir {}", name));
  // A folder of the workspace itself, so that no other path need exist in the pod.
  if (::mkdirat(folder.get(), "stage", 0700) != 0) return sys_error("mkdir stage");
  const std::string stage = workspace + "/stage";
  if (::mount("tmpfs", stage.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=700,size=1m") != 0)
    return sys_error("mount tmpfs");
  stage_ = TRY(open_dir(stage));
  if (::mkdirat(stage_.get(), kRoot, 0755) != 0) return sys_error("mkdir root");
  return {};
}

Result<void> MountBuilder::carry_out(const Step& step) {
  switch (step.op) {
    case Op::overlay:
      return overlay(step).within("overlay");
    case Op::proc:
      return proc(step).within("mount /proc");
    case Op::bind:
      return bind(step).within(fmt::format("bind {} on {}", step.source, step.target));
    case Op::bind_device:
      return bind_device(step).within("bind " + step.source);
    case Op::tmpfs:
      return fresh(step, "tmpfs").within("mount tmpfs on " + step.target);
    case Op::devpts:
      return fresh(step, "devpts").within("mount devpts");
    case Op::mqueue:
      return fresh(step, "mqueue").within("mount mqueue");
    case Op::symlink:
      return symlink(step).within("link " + step.target);
    case Op::file:
      return file(step).within("write " + step.target);
    case Op::cover:
      return cover(step).within("cover " + step.target);
    case Op::read_only:
      return read_only(step).within("freeze " + step.target);
    case Op::enter:
      return enter().within("enter the root");
    default:
      return Error{Fault::internal, "not a mount"};
  }
}

Result<void> MountBuilder::overlay(const Step& step) {
  if (::fchdir(stage_.get()) != 0) return sys_error("fchdir");
  const auto link = [&](const std::string& to, const std::string& name) -> Result<void> {
    if (::symlinkat(to.c_str(), stage_.get(), name.c_str()) != 0) return sys_error("symlink");
    return {};
  };
  std::string lower;
  for (std::size_t i = step.sources.size(); i-- > 0;) {  // overlayfs wants the topmost first
    const std::string name = fmt::format("{}", i);
    TRY(link(step.sources[i], name));
    lower += (lower.empty() ? "" : ":") + name;
  }
  // The mode of `/` is that of the upper folder: hand the image's own through.
  struct stat top{};
  if (::stat(step.sources.back().c_str(), &top) != 0) return sys_error("stat of a layer");
  if (::chmod((step.source + "/upper").c_str(), top.st_mode & 01777) != 0)
    return sys_error("chmod upper");
  TRY(link(step.source + "/upper", kUpper));
  TRY(link(step.source + "/work", kWork));
  // userxattr: opaque marks and redirects in user.overlay.*, all that an unprivileged owner can
  // write (5.11). volatile: no sync at the end, the upper layer dies with the job anyway (5.10).
  const std::string options =
      fmt::format("userxattr,volatile,lowerdir={},upperdir={},workdir={}", lower, kUpper, kWork);
  if (::mount("overlay", kRoot, "overlay", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
    return sys_error(fmt::format("mount of {} layers", step.sources.size()));
  UniqueFd root(::openat(stage_.get(), kRoot, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return sys_error("open root");
  root_ = DirFd(std::move(root));
  return {};
}

Result<void> MountBuilder::proc(const Step& step) {
  const UniqueFd target = TRY(make_mountpoint(root_, step.target, true));
  const std::string at = fd_path(target);
  if (::mount("proc", at.c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0)
    return own_entry_is_ours() ? cover_process(step, ::getpid()) : Result<void>();
  // Where the runtime masks parts of the pod's /proc, the kernel refuses a fresh one (EPERM,
  // mount_too_revealing() in fs/namespace.c). The pod's own shows this pid namespace too:
  // /proc/self is right in it, and the pilot's entries are covered here. Read-only, because the
  // entries of all others in the pod, later ones too, belong to the payload's kernel uid: it could
  // write their oom_score_adj.
  if (errno != EPERM && errno != EACCES) return sys_error("procfs");
  const UniqueFd pods(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!pods) return sys_error("open /proc");
  TRY(bind_mount(pods, target, Depth::tree,
                 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  for (const pid_t pid : hidden_) TRY(cover_process(step, pid));
  if (!own_entry_is_ours()) return {};
  const pid_t self = TRY(own_number());
  return cover_process(step, self);
}

Result<void> MountBuilder::cover_process(const Step& proc, pid_t pid) {
  return cover({.op = Op::cover, .target = fmt::format("{}/{}", proc.target, pid)});
}

Result<void> MountBuilder::bind(const Step& step) {
  UniqueFd source(::open(step.source.c_str(), O_PATH | O_CLOEXEC));
  // The pod's /etc/hostname and its like: a pod that lacks one is none the worse for it.
  if (!source && errno == ENOENT && step.options == kOptional) return {};
  if (!source) return sys_error("open");
  const bool folder = TRY(is_folder(source));
  const UniqueFd target = TRY(make_mountpoint(root_, step.target, folder));
  return bind_mount(source, target, Depth::tree, attributes(step.access, MOUNT_ATTR_NODEV));
}

Result<void> MountBuilder::bind_device(const Step& step) {
  UniqueFd source(::open(step.source.c_str(), O_PATH | O_CLOEXEC | O_NOFOLLOW));
  if (!source && errno == ENOENT && step.options == kOptional) return {};
  if (!source) return sys_error("open");
  struct stat st{};
  if (::fstat(source.get(), &st) != 0) return sys_error("fstat");
  if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
    return Error{Fault::invalid, "not a device node"};
  const UniqueFd target = TRY(make_mountpoint(root_, step.target, false));
  return bind_mount(source, target, Depth::one, kDeviceFlags);
}

Result<void> MountBuilder::fresh(const Step& step, const char* type) {
  const UniqueFd target = TRY(make_mountpoint(root_, step.target, true));
  unsigned long flags = MS_NOSUID | MS_NODEV;
  if (step.op == Op::devpts) flags = MS_NOSUID | MS_NOEXEC;  // its nodes are devices
  if (step.op == Op::mqueue) flags |= MS_NOEXEC;
  if (::mount(type, fd_path(target).c_str(), type, flags, step.options.c_str()) != 0)
    return sys_error("mount");
  return {};
}

Result<void> MountBuilder::symlink(const Step& step) {
  const std::string path = relative(step.target);
  const std::size_t slash = path.rfind('/');
  const UniqueFd parent = TRY(open_in_root(root_, path.substr(0, slash), O_PATH | O_DIRECTORY));
  if (::symlinkat(step.source.c_str(), parent.get(), path.substr(slash + 1).c_str()) != 0)
    return sys_error("symlink");
  return {};
}

Result<void> MountBuilder::file(const Step& step) {
  const std::string path = relative(step.target);
  if (step.options == kOptional) {
    const Result<UniqueFd> folder =
        open_in_root(root_, path.substr(0, path.rfind('/')), O_PATH | O_DIRECTORY);
    if (!folder && folder.error().fault == Fault::not_found) return {};
  }
  constexpr std::size_t kMaxText = 1 << 20;
  std::string text;
  for (const std::string& source : step.sources) {
    const Result<std::string> before = read_file(source, kMaxText);
    if (!before && before.error().fault == Fault::not_found) return {};
    if (!before) return before.error();
    text += *before;
  }
  return replace_file(root_, path, text + step.source);
}

Result<void> MountBuilder::cover(const Step& step) {
  Result<UniqueFd> target = open_in_root(root_, relative(step.target), O_PATH | O_NOFOLLOW);
  if (!target && target.error().fault == Fault::not_found) return {};
  if (!target) return std::move(target).error();
  const bool folder = TRY(is_folder(*target));
  if (folder) {
    if (::mount("tmpfs", fd_path(*target).c_str(), "tmpfs",
                MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,nr_inodes=2,mode=555") != 0)
      return sys_error("mount");
    return {};
  }
  const UniqueFd null(::open("/dev/null", O_PATH | O_CLOEXEC));
  if (!null) return sys_error("open /dev/null");
  return bind_mount(null, *target, Depth::one, kDeviceFlags);
}

Result<void> MountBuilder::read_only(const Step& step) {
  Result<UniqueFd> target = open_in_root(root_, relative(step.target), O_PATH | O_NOFOLLOW);
  if (!target && target.error().fault == Fault::not_found) return {};
  if (!target) return std::move(target).error();
  return bind_mount(*target, *target, Depth::tree, attributes(Access::read_only, 0));
}

Result<void> MountBuilder::enter() {
  if (::fchdir(root_.get()) != 0) return sys_error("fchdir");
  // pivot_root(".", ".") stacks the old root over the new one at the same place: no folder for it
  // is needed in an image that may be read-only (pivot_root(2), NOTES).
  if (::syscall(SYS_pivot_root, ".", ".") == 0) {
    if (::umount2(".", MNT_DETACH) != 0) return sys_error("umount of the old root");
  } else {
    // containerd's profile with CAP_SYS_ADMIN lacks pivot_root alone.
    if (::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0) return sys_error("mount MS_MOVE");
    if (::chroot(".") != 0) return sys_error("chroot");
  }
  if (::chdir("/") != 0) return sys_error("chdir");
  root_.reset();
  stage_.reset();
  return {};
}

Result<void> make_root_read_only() {
  return restrict_mount("/", MOUNT_ATTR_RDONLY);
}

}  // namespace podpilot::sandbox
