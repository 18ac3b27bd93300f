// SPDX-License-Identifier: Apache-2.0
// What the holder of a claim does with it: begin, renew, publish, give back. Calls block.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "agent/scheduler/spool/folder.h"
#include "agent/scheduler/spool/job_file.h"
#include "agent/scheduler/spool/result.h"

namespace podpilot::agent::spool {

// A file in the job's folder by which its submitter takes it back.
// It may hold a reason.
inline constexpr const char* kCancelFile = "cancel";
inline constexpr std::size_t kMaxReason = 4096;
inline constexpr const char* kLeaseFile = "lease";
// The ticket of a job that is not yet submitted to its end; of one that is being purged.
inline constexpr const char* kTicketFile = "ticket";
inline constexpr const char* kPurgedFile = "purged";
inline constexpr const char* kJobFile = "job.json";
inline constexpr const char* kInputs = "inputs";
inline constexpr const char* kOutputs = "outputs";
inline constexpr const char* kStdout = "stdout";
inline constexpr const char* kStderr = "stderr";

// Of a job's folder (Folder::job).
Result<JobFile> read_job(BorrowedFd job);
// Who submitted it: the folder's owner, as a number, since names are the matter of each host.
// Unlike a file, which can be linked, a folder belongs to who made it.
Result<std::string> submitter_of(BorrowedFd job);

// The lease as an observer compares it; "" where there is none yet.
Result<std::string> read_lease(const Folder& folder, const Ticket& ticket);

// Makes the attempt's folder and its lease. Returns how long the job waited.
Result<std::chrono::milliseconds> begin_attempt(const Folder& folder, const Ticket& ticket,
                                                const std::string& pilot);

enum class Hold {
  held,
  cancelled,  // held, and its submitter wants it ended
  lost,       // somebody judged the lease as lapsed: nothing can be published any more
};
Result<Hold> renew(const Folder& folder, const Ticket& ticket, const std::string& pilot,
                   std::uint64_t beat);

enum class Published { done, requeued, lost };
// Writes result.json and moves the ticket. Where the claim is lost the attempt's files go.
Result<Published> publish(const Folder& folder, const Ticket& ticket, unsigned retries,
                          AttemptResult result);

// The pilot cannot run it after all. False: lost.
Result<bool> give_back(const Folder& folder, const Ticket& ticket);

// Ends a job that nobody else runs: `from` and `ticket` as seen, `renamed` a claim of the caller's.
// False: it moved meanwhile, and nothing has changed.
Result<bool> end_unclaimed(const Folder& folder, State from, const Ticket& ticket,
                           const Ticket& renamed, const Outcome& outcome);

}  // namespace podpilot::agent::spool
