// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/folder.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>

#include "sandbox/base/deadline.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/log.h"
#include "sandbox/base/path.h"
#include "sandbox/base/random.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::spool {
namespace {

constexpr std::size_t kMaxTickets = 1'000'000;
constexpr std::size_t kMaxFormats = 1000;
constexpr std::array kParts = {"tmp", "jobs", "queued", "running", "done"};
// A ticket that goes back to queued/ stays there for at least this long (policy.h), so a look that
// took less cannot miss it in queued/ both before and after it read running/.
constexpr auto kLongestLook = std::chrono::milliseconds(900);
constexpr int kLooks = 5;

FileTime file_time(const struct stat& st) {
  return FileTime(std::chrono::seconds(st.st_mtim.tv_sec) +
                  std::chrono::nanoseconds(st.st_mtim.tv_nsec));
}

std::string place(State state, const Ticket& ticket) {
  return fmt::format("{}/{}", to_string(state), ticket.name());
}

// "v7" is 7.
std::optional<int> format_of(std::string_view name) {
  if (!name.starts_with('v') || name.size() > 7) return std::nullopt;
  const auto number = parse_number(name.substr(1));
  if (!number) return std::nullopt;
  return static_cast<int>(*number);
}

Result<std::optional<int>> find_newer(BorrowedFd spool) {
  std::optional<int> newest;
  const std::vector<std::string> names = TRY(list_names(spool, kMaxFormats));
  for (const std::string& name : names) {
    const std::optional<int> format = format_of(name);
    if (format && *format > kSpoolFormat) newest = std::max(newest.value_or(0), *format);
  }
  return newest;
}

}  // namespace

Result<FileTime> modified(BorrowedFd fd) {
  struct stat st{};
  if (::fstat(fd.get(), &st) != 0) return sys_error("fstat");
  return file_time(st);
}

Result<Folder> Folder::open(const std::string& path, Create create) {
  // The process's umask and the folder's own bits (setgid, ACL) say who shares the spool.
  constexpr mode_t kMode = 0777;
  const DirFd spool = TRY(create == Create::yes ? make_dirs(path, kMode) : open_dir(path));
  const std::optional<int> newer = TRY(find_newer(spool).within(path));
  const std::string version = fmt::format("v{}", kSpoolFormat);
  // Results name files by it, for readers with another working folder.
  std::error_code ignored;
  std::string full = std::filesystem::absolute(path, ignored) / version;
  if (create == Create::no) {
    UniqueFd root(
        ::openat(spool.get(), version.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!root && errno == ENOENT)
      return Error{Fault::not_found,
                   fmt::format("{}: not a spool (it has no folder {})", path, version)};
    if (!root) return sys_error("open " + full);
    return Folder(std::move(full), DirFd(std::move(root)), newer);
  }
  DirFd root = TRY(make_dir_at(spool, version, kMode).within(path));
  for (const char* name : kParts) TRY(make_dir_at(root, name, kMode).within(full));
  return Folder(std::move(full), std::move(root), newer);
}

Result<DirFd> Folder::part(const char* name) const {
  UniqueFd fd = TRY(open_beneath(root_, name, O_RDONLY | O_DIRECTORY).within(path_));
  return DirFd(std::move(fd));
}

Result<std::vector<Ticket>> Folder::list(State state) const {
  const DirFd folder = TRY(part(to_string(state)));
  std::vector<std::string> names = TRY(list_names(folder, kMaxTickets).within(to_string(state)));
  std::sort(names.begin(), names.end());
  std::vector<Ticket> tickets;
  std::string odd;
  for (const std::string& name : names) {
    std::optional<Ticket> ticket = Ticket::parse(name);
    // NFS keeps a deleted file that is still open under such a name.
    if (!ticket && !name.starts_with(".nfs")) odd = name;
    if (ticket) tickets.push_back(*std::move(ticket));
  }
  // Listed twice a second: said once.
  static std::atomic<bool> said{false};
  if (!odd.empty() && !said.exchange(true))
    log::warning("spool: not a ticket, ignoring", {{"folder", to_string(state)}, {"name", odd}});
  return tickets;
}

Result<Snapshot> Folder::look() const {
  for (int tries = 1;; ++tries) {
    const auto start = Clock::now();
    // The order is what makes a moving job seen: FORMAT.md, "Looking".
    std::map<std::string, std::pair<State, Ticket>> jobs;
    for (const State state : {State::queued, State::running, State::queued, State::done}) {
      const std::vector<Ticket> tickets = TRY(list(state));
      for (const Ticket& ticket : tickets)
        jobs.insert_or_assign(ticket.job, std::pair(state, ticket));
    }
    if (Clock::now() - start > kLongestLook && tries < kLooks) continue;
    Snapshot out;
    for (auto& [id, entry] : jobs) out.tickets.push_back(std::move(entry));
    return out;
  }
}

Result<bool> Folder::drained() const {
  const auto start = Clock::now();
  for (const State state : {State::queued, State::running, State::queued}) {
    const std::vector<Ticket> tickets = TRY(list(state));
    if (!tickets.empty()) return false;
  }
  return Clock::now() - start <= kLongestLook;
}

Result<bool> Folder::move(State from, const Ticket& ticket, State to, const Ticket& renamed) const {
  const DirFd source = TRY(part(to_string(from)));
  const DirFd target = TRY(part(to_string(to)));
  const std::string old_name = ticket.name();
  const std::string new_name = renamed.name();
  if (::renameat(source.get(), old_name.c_str(), target.get(), new_name.c_str()) == 0) return true;
  if (errno != ENOENT) return sys_error("rename to " + place(to, renamed));
  // A file server that lost its answer makes the client ask again, which then finds nothing: a name
  // with an owner is made by that owner, or by everybody alike where a lease has lapsed.
  if (renamed.owner == 0) return false;
  return holds(to, renamed);
}

Result<bool> Folder::holds(State state, const Ticket& ticket) const {
  const DirFd folder = TRY(part(to_string(state)));
  struct stat st{};
  if (::fstatat(folder.get(), ticket.name().c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno != ENOENT) return sys_error("stat " + place(state, ticket));
  return false;
}

Result<FileTime> Folder::submitted(State state, const Ticket& ticket) const {
  const DirFd folder = TRY(part(to_string(state)));
  struct stat st{};
  if (::fstatat(folder.get(), ticket.name().c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
    return sys_error("stat " + place(state, ticket));
  return file_time(st);
}

Result<DirFd> Folder::job(const std::string& id) const {
  UniqueFd fd = TRY(open_beneath(root_, "jobs/" + id, O_RDONLY | O_DIRECTORY).within(path_));
  return DirFd(std::move(fd));
}

Result<DirFd> Folder::attempt(const Ticket& ticket, Create create) const {
  const DirFd folder = TRY(job(ticket.job));
  const std::string name = "attempts/" + ticket.attempt_name();
  if (create == Create::yes) {
    const DirFd attempts = TRY(make_dir_at(folder, "attempts", 0777));
    return make_dir_at(attempts, ticket.attempt_name(), 0777);
  }
  UniqueFd fd = TRY(open_beneath(folder, name, O_RDONLY | O_DIRECTORY).within(ticket.job));
  return DirFd(std::move(fd));
}

std::string Folder::attempt_path(const Ticket& ticket) const {
  return fmt::format("{}/jobs/{}/attempts/{}", path_, ticket.job, ticket.attempt_name());
}

Result<void> Folder::remove_attempt(const Ticket& ticket) const {
  const DirFd folder = TRY(job(ticket.job));
  const UniqueFd attempts = TRY(open_beneath(folder, "attempts", O_RDONLY | O_DIRECTORY));
  return remove_tree(attempts, ticket.attempt_name());
}

Result<FileTime> Folder::now() const {
  const DirFd tmp = TRY(part("tmp"));
  const std::string name = fmt::format("now.{:016x}", random_number());
  UniqueFd fd(::openat(tmp.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return sys_error("create tmp/" + name);
  const Result<void> written = write_all(fd, "x");
  fd.reset();
  UniqueFd again(::openat(tmp.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  Result<FileTime> time = again ? modified(again) : sys_error("open tmp/" + name);
  ::unlinkat(tmp.get(), name.c_str(), 0);
  return time;
}

}  // namespace podpilot::agent::spool
