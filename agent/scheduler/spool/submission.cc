// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/submission.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <memory>

#include "agent/scheduler/spool/attempt.h"
#include "agent/scheduler/spool/copy_tree.h"
#include "agent/scheduler/spool/job_file.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/random.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::spool {
namespace {

// The submitter's own path: symlinks on the way, and as its last part, are followed.
Result<void> copy_input(TreeCopier& copier, const Input& input, const std::string& folder) {
  const std::string path =
      input.source.starts_with('/') ? input.source : folder + "/" + input.source;
  const std::unique_ptr<char, decltype(&::free)> real(::realpath(path.c_str(), nullptr), ::free);
  if (!real) return sys_error(printable(input.source));
  const std::string full = real.get();
  const std::size_t slash = full.rfind('/');
  if (full.size() == 1) return Error{Fault::invalid, "the whole filesystem is no input"};
  const DirFd parent = TRY(open_dir(slash == 0 ? "/" : full.substr(0, slash)));
  return copier.copy(parent, full.substr(slash + 1), input.target);
}

Result<void> fill(BorrowedFd job, std::string_view text, const JobFile& file,
                  const std::string& folder) {
  TRY(replace_file_at(job, kJobFile, text, 0666, Durable::yes));
  const DirFd inputs = TRY(make_dir_at(job, kInputs, 0777));
  TreeCopier copier(inputs, {}, {});
  for (std::size_t i = 0; i < file.inputs.size(); ++i)
    TRY(copy_input(copier, file.inputs[i], folder).within(fmt::format("inputs[{}]", i)));
  if (!copier.skipped().empty())
    return Error{Fault::invalid, "inputs: " + copier.skipped().front() + ", not a file or folder"};
  // Last, so that its time is the time of submission.
  return replace_file_at(job, kTicketFile, "", 0666, Durable::no);
}

Result<void> rename_into(BorrowedFd from, const std::string& name, BorrowedFd to,
                         const std::string& renamed) {
  if (::renameat(from.get(), name.c_str(), to.get(), renamed.c_str()) != 0)
    return sys_error("rename to " + renamed);
  if (::fsync(to.get()) != 0) return sys_error("fsync");
  return {};
}

Result<void> enter(const Folder& spool, BorrowedFd tmp, const Ticket& ticket) {
  const DirFd jobs = TRY(spool.part("jobs"));
  TRY(rename_into(tmp, ticket.job, jobs, ticket.job));
  const DirFd job = TRY(spool.job(ticket.job));
  const DirFd queued = TRY(spool.part(to_string(State::queued)));
  return rename_into(job, kTicketFile, queued, ticket.name());
}

}  // namespace

Result<std::string> submit(const Folder& spool, std::string_view text, const std::string& folder) {
  const JobFile file = TRY(parse_job_file(text));
  Ticket ticket;
  ticket.priority = file.priority;
  ticket.job =
      new_job_id(std::chrono::system_clock::now(), static_cast<std::uint32_t>(random_number()));
  const DirFd tmp = TRY(spool.part("tmp"));
  const DirFd job = TRY(make_dir_at(tmp, ticket.job, 0777).within(spool.path()));
  Result<void> entered = fill(job, text, file, folder);
  if (entered) entered = enter(spool, tmp, ticket).within(spool.path());
  if (!entered) {
    // Where the rename into jobs/ was done, a purge finds it.
    [[maybe_unused]] const auto removed = remove_tree(tmp, ticket.job);
    return entered.error();
  }
  return ticket.job;
}

Result<Cancelled> cancel(const Folder& spool, const std::string& id, const std::string& reason) {
  if (reason.size() > kMaxReason)
    return Error{Fault::invalid, fmt::format("a reason of more than {} bytes", kMaxReason)};
  if (!is_job_id(id)) return Error{Fault::invalid, printable(id) + ": not a job's id"};
  const Result<DirFd> job = spool.job(id);
  if (!job && job.error().fault == Fault::not_found)
    return Error{Fault::not_found, id + ": not in this spool"};
  if (!job) return job.error();
  // First, so that whoever takes the job from now on sees it.
  TRY(replace_file_at(*job, kCancelFile, reason, 0666, Durable::yes).within(id));
  const std::uint64_t me = random_number();
  const Snapshot now = TRY(spool.look());
  for (const auto& [state, ticket] : now.tickets) {
    if (ticket.job != id) continue;
    if (state == State::done) return Cancelled::already_done;
    if (state == State::running) return Cancelled::asked;
    const bool won = TRY(end_unclaimed(spool, state, ticket, ticket.taken_by(me), cancelled()));
    return won ? Cancelled::ended : Cancelled::asked;
  }
  return Error{Fault::not_found, id + ": not in this spool"};
}

}  // namespace podpilot::agent::spool
