// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/attempt.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "agent/scheduler/spool/policy.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/log.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::spool {
namespace {

constexpr std::size_t kMaxLease = 4096;

Result<void> write_lease(BorrowedFd attempt, const std::string& pilot, std::uint64_t beat) {
  const std::string text =
      fmt::format(R"({{"beat":{},"pilot":{}}})", beat, json_quote(pilot)) + "\n";
  return replace_file_at(attempt, kLeaseFile, text, 0666, Durable::no);
}

Result<bool> exists(BorrowedFd folder, const char* name) {
  struct stat st{};
  if (::fstatat(folder.get(), name, &st, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno != ENOENT) return sys_error(std::string("stat ") + name);
  return false;
}

// The submitter's reason, where the job was taken back with one.
void add_reason(const Folder& folder, const Ticket& ticket, Outcome& outcome) {
  if (outcome.slug != kCancelledSlug) return;
  const Result<DirFd> job = folder.job(ticket.job);
  if (!job) return;
  const Result<std::string> reason = read_file_at(*job, kCancelFile, kMaxReason);
  if (reason && !reason->empty()) outcome.text += ": " + printable(*reason);
}

Result<void> write_result(BorrowedFd attempt, const AttemptResult& result) {
  const std::string text = to_json(result);
  Result<void> written = replace_file_at(attempt, kResultFile, text, 0666, Durable::yes);
  if (written || written.error().fault != Fault::exhausted) return written;
  // The disk is full, perhaps of this attempt's own outputs; a result without them is better than
  // a job that never ends.
  const Result<void> removed = remove_tree(attempt, kOutputs);
  if (!removed) return written;
  AttemptResult bare = result;
  bare.skipped = {"all outputs: the spool's disk is full"};
  return replace_file_at(attempt, kResultFile, to_json(bare), 0666, Durable::yes);
}

// Makes the rename last a power failure; a filesystem that cannot do that is not a fault.
void settle(const Folder& folder, State state) {
  const Result<DirFd> part = folder.part(to_string(state));
  if (part) ::fsync(part->get());
}

void clean_up(const char* what, const Result<void>& result) {
  if (!result) log::warning(what, {{"error", result.error().text}});
}

}  // namespace

Result<JobFile> read_job(BorrowedFd job) {
  const std::string text = TRY(read_file_at(job, kJobFile, kMaxJobFile));
  return parse_job_file(text).within(kJobFile);
}

Result<std::string> submitter_of(BorrowedFd job) {
  struct stat st{};
  if (::fstat(job.get(), &st) != 0) return sys_error("stat");
  return fmt::to_string(st.st_uid);
}

Result<std::string> read_lease(const Folder& folder, const Ticket& ticket) {
  const Result<DirFd> attempt = folder.attempt(ticket, Create::no);
  if (!attempt && attempt.error().fault == Fault::not_found) return std::string();
  if (!attempt) return attempt.error();
  Result<std::string> lease = read_file_at(*attempt, kLeaseFile, kMaxLease);
  if (!lease && lease.error().fault == Fault::not_found) return std::string();
  return lease;
}

Result<std::chrono::milliseconds> begin_attempt(const Folder& folder, const Ticket& ticket,
                                                const std::string& pilot) {
  const DirFd attempt = TRY(folder.attempt(ticket, Create::yes));
  TRY(write_lease(attempt, pilot, 0));
  const UniqueFd lease = TRY(open_beneath(attempt, kLeaseFile, O_RDONLY));
  const FileTime taken = TRY(modified(lease));
  const FileTime submitted = TRY(folder.submitted(State::running, ticket));
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(taken - submitted);
  return std::max(wait, std::chrono::milliseconds(0));
}

Result<Hold> renew(const Folder& folder, const Ticket& ticket, const std::string& pilot,
                   std::uint64_t beat) {
  const bool held = TRY(folder.holds(State::running, ticket));
  if (!held) return Hold::lost;
  const DirFd attempt = TRY(folder.attempt(ticket, Create::yes));
  TRY(write_lease(attempt, pilot, beat));
  const DirFd job = TRY(folder.job(ticket.job));
  const bool cancelled = TRY(exists(job, kCancelFile));
  return cancelled ? Hold::cancelled : Hold::held;
}

Result<Published> publish(const Folder& folder, const Ticket& ticket, unsigned retries,
                          AttemptResult result) {
  Next next = after_attempt(ticket, retries, std::move(result.outcome));
  result.outcome = std::move(next.outcome);
  add_reason(folder, ticket, result.outcome);
  const DirFd attempt = TRY(folder.attempt(ticket, Create::yes));
  TRY(write_result(attempt, result));
  // Everything is in place under this attempt's own name; the rename is the check and the
  // publication in one.
  const bool won = TRY(folder.move(State::running, ticket, next.state, next.ticket));
  if (!won) {
    clean_up("spool: cannot remove a lost attempt", folder.remove_attempt(ticket));
    return Published::lost;
  }
  settle(folder, next.state);
  ::unlinkat(attempt.get(), kLeaseFile, 0);
  return next.state == State::done ? Published::done : Published::requeued;
}

Result<bool> give_back(const Folder& folder, const Ticket& ticket) {
  const bool won = TRY(folder.move(State::running, ticket, State::queued, ticket));
  // Lost may also mean that it was published: then the files are the result.
  if (won) clean_up("spool: cannot remove an attempt", folder.remove_attempt(ticket));
  return won;
}

Result<bool> end_unclaimed(const Folder& folder, State from, const Ticket& ticket,
                           const Ticket& renamed, const Outcome& outcome) {
  const DirFd attempt = TRY(folder.attempt(renamed, Create::yes));
  AttemptResult result;
  result.outcome = outcome;
  add_reason(folder, ticket, result.outcome);
  TRY(write_result(attempt, result));
  const bool won = TRY(folder.move(from, ticket, State::done, renamed));
  if (won)
    settle(folder, State::done);
  else
    clean_up("spool: cannot remove an attempt", folder.remove_attempt(renamed));
  return won;
}

}  // namespace podpilot::agent::spool
