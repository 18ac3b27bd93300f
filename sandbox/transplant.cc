// SPDX-License-Identifier: Apache-2.0
#include "sandbox/transplant.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <set>

#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"
#include "sandbox/idmap.h"
#include "sandbox/kill.h"

namespace podpilot::sandbox {
namespace {

// linux/shm.h, sem.h, msg.h: as the *_STAT calls, also for objects that nobody may read (Linux
// 4.17). Debian 12's libc has no names for two of them.
constexpr int kShmStatAny = 15;
constexpr int kSemStatAny = 20;
constexpr int kMsgStatAny = 13;

struct SysvObject {
  uid_t creator;  // whom nobody changes; the owner may be anybody by now
  int id;
  void (*remove)(int id);
};

// The last index in use is what the *_INFO calls return.
std::vector<SysvObject> sysv_objects() {
  std::vector<SysvObject> found;
  shm_info shm{};
  const int last_shm = ::shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds*>(&shm));
  for (int i = 0; i <= last_shm; ++i) {
    shmid_ds state{};
    const int id = ::shmctl(i, kShmStatAny, &state);
    if (id >= 0)
      found.push_back({state.shm_perm.cuid, id, [](int it) { ::shmctl(it, IPC_RMID, nullptr); }});
  }
  seminfo sem{};
  const int last_sem = ::semctl(0, 0, SEM_INFO, &sem);
  for (int i = 0; i <= last_sem; ++i) {
    semid_ds state{};
    const int id = ::semctl(i, 0, kSemStatAny, &state);
    if (id >= 0)
      found.push_back({state.sem_perm.cuid, id, [](int it) { ::semctl(it, 0, IPC_RMID); }});
  }
  msginfo msg{};
  const int last_msg = ::msgctl(0, MSG_INFO, reinterpret_cast<msqid_ds*>(&msg));
  for (int i = 0; i <= last_msg; ++i) {
    msqid_ds state{};
    const int id = ::msgctl(i, kMsgStatAny, &state);
    if (id >= 0)
      found.push_back({state.msg_perm.cuid, id, [](int it) { ::msgctl(it, IPC_RMID, nullptr); }});
  }
  return found;
}

// As far as this user may.
void purge_sysv(int /*unused*/) {
  for (const SysvObject& object : sysv_objects()) object.remove(object.id);
}

// What the last payload may have changed on a folder that is its own: mode, attributes, ACLs.
void reset_folder(BorrowedFd folder) {
  constexpr mode_t kShared = 01777;
  ::fchmod(folder.get(), kShared);
  std::array<char, 65536> names{};
  const ssize_t n = ::flistxattr(folder.get(), names.data(), names.size());
  for (ssize_t at = 0; at < n;) {
    const char* name = names.data() + at;
    ::fremovexattr(folder.get(), name);
    at += static_cast<ssize_t>(std::char_traits<char>::length(name)) + 1;
  }
}

// The last payload may have left a link to the cache in the place of a folder.
Result<DirFd> open_folder(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return sys_error("open " + path);
  return DirFd(std::move(fd));
}

bool is_link(const std::string& path) {
  struct stat st{};
  return ::lstat(path.c_str(), &st) == 0 && S_ISLNK(st.st_mode);
}

// A new link under the name, whatever was there; by rename(2), so that there is always one.
Result<void> replace_link(const std::string& target, const std::string& name) {
  const std::string temporary = name + ".new";
  if (::unlink(temporary.c_str()) != 0 && errno != ENOENT) return sys_error("unlink " + temporary);
  if (::symlink(target.c_str(), temporary.c_str()) != 0) return sys_error("symlink " + temporary);
  if (::rename(temporary.c_str(), name.c_str()) != 0) return sys_error("rename to " + name);
  return {};
}

}  // namespace

Result<Transplant> Transplant::begin(uid_t payload) {
  std::vector<Mount> mounts = TRY(read_mountinfo());
  return Transplant(payload, std::move(mounts));
}

Result<void> Transplant::carry_out(const Step& step) {
  const auto within = [&](Result<void> done) {
    return std::move(done).within(fmt::format("{} {}", name(step.op), step.target));
  };
  switch (step.op) {
    case Op::live:
      return within(replace_link(step.source, step.target));
    case Op::entries:
      return within(entries(step));
    case Op::fill:
      return within(fill(step));
    case Op::empty:
      return within(empty(step));
    case Op::show:
      return within(show(step));
    case Op::purge_ipc:
      return within(purge_ipc());
    default:
      return Error{Fault::internal, "not a step of a transplant"};
  }
}

Result<void> Transplant::undo(const Step& step) {
  switch (step.op) {
    case Op::live:
      if (::unlink(step.target.c_str()) != 0 && errno != ENOENT)
        return sys_error("unlink " + step.target);
      return {};
    case Op::entries:
    case Op::fill:
    case Op::empty:
      return empty(step).within("empty " + step.target);
    case Op::purge_ipc:
      return purge_ipc();
    default:
      return {};
  }
}

// Whether the runtime mounted something on or below this entry of the step's folder, whose own path
// may be an alias: at the top of the root it has the name of the source.
bool Transplant::is_mounted(const Step& step, const std::string& name) const {
  const std::string top =
      step.options == kWholeFolder ? step.source.substr(step.source.rfind('/')) : step.target;
  return holds_mount(mounts_, top + "/" + name);
}

// A pilot that was killed left those of its last job.
bool Transplant::is_jobs(uid_t owner) const {
  return owner == payload_ || (payload_ != ::geteuid() && is_job_id(owner));
}

// What the pod's own image brought stays: all that belongs to another user and is no link of ours.
bool Transplant::is_trace(BorrowedFd folder, const std::string& name,
                          const std::string& links) const {
  struct stat st{};
  if (::fstatat(folder.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (is_jobs(st.st_uid)) return true;
  return S_ISLNK(st.st_mode) && !links.empty() &&
         read_link_at(folder, name).value_or("").starts_with(links + "/");
}

Result<void> Transplant::empty(const Step& step) {
  Result<DirFd> folder = open_folder(step.target);
  if (!folder && (folder.error().fault == Fault::not_found || is_link(step.target))) return {};
  if (!folder) return std::move(folder).error();
  struct stat st{};
  if (::fstat(folder->get(), &st) != 0) return sys_error("fstat");
  if (st.st_uid == ::geteuid()) reset_folder(*folder);
  const std::vector<std::string> names = TRY(list_names(*folder));
  for (const std::string& name : names)
    if (!is_mounted(step, name) &&
        (step.options == kWholeFolder || is_trace(*folder, name, step.source)))
      TRY(remove_tree(*folder, name));
  return {};
}

Result<void> Transplant::entries(const Step& step) {
  TRY(empty(step));
  const DirFd folder = TRY(open_folder(step.target));
  if (is_link(step.source)) return {};
  const DirFd source = TRY(open_folder(step.source));
  const std::vector<std::string> names = TRY(list_names(source));
  for (const std::string& name : names) {
    const std::string target = step.source + "/" + name;
    // What is there now is the pod's: its own resolv.conf is what the payload shall see.
    if (::symlinkat(target.c_str(), folder.get(), name.c_str()) != 0 && errno != EEXIST)
      return sys_error("symlink " + name);
  }
  return {};
}

Result<void> Transplant::fill(const Step& step) {
  TRY(empty(step));
  const DirFd folder = TRY(open_folder(step.target));
  const std::string link = read_link_at(BorrowedFd(AT_FDCWD), step.source).value_or("");
  if (link.empty()) {
    const DirFd source = TRY(open_folder(step.source));
    const std::vector<std::string> names = TRY(list_names(source));
    for (const std::string& name : names)
      if (!is_mounted(step, name) &&
          ::renameat(source.get(), name.c_str(), folder.get(), name.c_str()) != 0)
        return sys_error("move " + name);
    return {};
  }
  // An image's /bin that is a link to usr/bin, where the pod has a folder: a link for each entry.
  // The image's own /usr may have been moved to its place by now, so it is looked for in both.
  const std::string inside = link[0] == '/' ? link : "/" + link;
  const std::string root = step.source.substr(0, step.source.rfind('/'));
  Result<DirFd> source = open_dir(root + inside);
  const Result<std::vector<std::string>> beside =
      source ? list_names(*source) : Result<std::vector<std::string>>(source.error());
  if (!beside || beside->empty()) source = open_dir(inside);
  if (!source) return std::move(source).error();
  const std::vector<std::string> names = TRY(list_names(*source));
  for (const std::string& name : names) {
    const std::string target = inside + "/" + name;
    if (::symlinkat(target.c_str(), folder.get(), name.c_str()) != 0 && errno != EEXIST)
      return sys_error("symlink " + name);
  }
  return {};
}

// `source` appears at `target` in the tree that is shown: a link, for want of a mount. "" asks for
// an empty folder.
Result<void> Transplant::show(const Step& step) {
  // The tree is of a hostile image: no link in it is followed on the way.
  DirFd parent = TRY(open_dir(step.sources.at(0)));
  std::vector<std::string_view> parts = split(std::string_view(step.target).substr(1), '/');
  const std::string name(parts.back());
  parts.pop_back();
  for (const std::string_view part : parts)
    parent = TRY(make_dir_at(parent, std::string(part), 0755));
  if (step.source.empty()) {
    TRY(make_dir_at(parent, name, 0777));
    return {};
  }
  TRY(remove_tree(parent, name));
  if (::symlinkat(step.source.c_str(), parent.get(), name.c_str()) != 0)
    return sys_error("symlink " + name);
  return {};
}

Result<void> Transplant::purge_ipc() const {
  if (payload_ == ::geteuid()) {
    purge_sysv(0);
    return {};
  }
  std::set<uid_t> jobs = {payload_};
  for (const SysvObject& object : sysv_objects())
    if (is_jobs(object.creator)) jobs.insert(object.creator);
  for (const uid_t job : jobs) TRY(run_as(job, purge_sysv, 0));
  return {};
}

}  // namespace podpilot::sandbox
