// SPDX-License-Identifier: Apache-2.0
// submission.h's purge().
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "agent/scheduler/spool/attempt.h"
#include "agent/scheduler/spool/submission.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/log.h"
#include "sandbox/base/path.h"

namespace podpilot::agent::spool {
namespace {

constexpr std::size_t kMaxEntries = 1'000'000;
// A submission of large inputs may take hours; a crashed one can wait.
constexpr std::chrono::hours kLeftover{24};

Result<FileTime> time_of(BorrowedFd folder, const std::string& name) {
  struct stat st{};
  if (::fstatat(folder.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
    return sys_error("stat " + name);
  return FileTime(std::chrono::seconds(st.st_mtim.tv_sec) +
                  std::chrono::nanoseconds(st.st_mtim.tv_nsec));
}

// When the job ended. Where its result is gone, when it was submitted.
Result<FileTime> finished(const Folder& spool, const Ticket& ticket) {
  const Result<DirFd> attempt = spool.attempt(ticket, Create::no);
  if (attempt) {
    Result<FileTime> time = time_of(*attempt, kResultFile);
    if (time) return time;
  }
  return spool.submitted(State::done, ticket);
}

// jobs/<id> and all below it. The ticket is in there or gone.
Result<void> remove_job(const Folder& spool, const std::string& id) {
  const DirFd jobs = TRY(spool.part("jobs"));
  const DirFd tmp = TRY(spool.part("tmp"));
  const std::string name = "purged." + id;
  if (::renameat(jobs.get(), id.c_str(), tmp.get(), name.c_str()) != 0 && errno != ENOENT)
    return sys_error("rename to tmp/" + name);
  return remove_tree(tmp, name);
}

// First the ticket goes into the job's folder: after a crash the next purge knows by it that
// nobody waits for this job.
Result<bool> purge_done(const Folder& spool, const Ticket& ticket) {
  const DirFd done = TRY(spool.part(to_string(State::done)));
  const Result<DirFd> job = spool.job(ticket.job);
  if (!job) return ::unlinkat(done.get(), ticket.name().c_str(), 0) == 0;
  if (::renameat(done.get(), ticket.name().c_str(), job->get(), kPurgedFile) != 0) {
    if (errno == ENOENT) return false;  // another purge was faster
    return sys_error("rename " + ticket.name());
  }
  TRY(remove_job(spool, ticket.job));
  return true;
}

// A job that was never submitted to its end, or never purged to its end. Taking the ticket away
// first makes a submission that is only slow fail instead of losing its job.
Result<bool> purge_unsubmitted(const Folder& spool, const std::string& id, FileTime limit) {
  const DirFd job = TRY(spool.job(id));
  const Result<FileTime> time = time_of(job, kTicketFile);
  if (time && *time <= limit) ::renameat(job.get(), kTicketFile, job.get(), kPurgedFile);
  const Result<FileTime> purged = time_of(job, kPurgedFile);
  if (!purged) return false;
  TRY(remove_job(spool, id));
  return true;
}

Result<std::size_t> purge_leftovers(const Folder& spool, FileTime limit) {
  std::size_t count = 0;
  const DirFd jobs = TRY(spool.part("jobs"));
  const std::vector<std::string> ids = TRY(list_names(jobs, kMaxEntries));
  for (const std::string& id : ids) {
    if (!is_job_id(id)) continue;
    const Result<bool> gone = purge_unsubmitted(spool, id, limit);
    if (gone && *gone) ++count;
  }
  const DirFd tmp = TRY(spool.part("tmp"));
  const std::vector<std::string> names = TRY(list_names(tmp, kMaxEntries));
  for (const std::string& name : names) {
    const Result<FileTime> time = time_of(tmp, name);
    if (!time || *time > limit) continue;
    // Another purge may be at it too.
    if (remove_tree(tmp, name)) ++count;
  }
  return count;
}

}  // namespace

Result<Purged> purge(const Folder& spool, std::chrono::milliseconds age) {
  Purged purged;
  const FileTime now = TRY(spool.now());
  const std::vector<Ticket> done = TRY(spool.list(State::done));
  for (const Ticket& ticket : done) {
    const FileTime ended = TRY(finished(spool, ticket));
    if (now - ended < age) continue;
    const bool gone = TRY(purge_done(spool, ticket).within(ticket.job));
    if (gone) ++purged.jobs;
  }
  purged.leftovers = TRY(purge_leftovers(spool, now - kLeftover));
  return purged;
}

}  // namespace podpilot::agent::spool
