// SPDX-License-Identifier: Apache-2.0
// The file transfer protocol, the starter's side. The stream comes from Security::command() in the
// transfer session, with FILETRANS_UPLOAD for receive_files() and FILETRANS_DOWNLOAD for
// send_files(): the names are the shadow's view. Calls block until all is done, and use the same
// memory whatever the size of the files.
//
// Names from the peer are resolved below `folder` by the kernel, without symlinks; what would lead
// out of it fails the transfer, and the rest is read and thrown away. What we send is opened below
// `folder`, too: a symlink that leads out of it counts as not readable.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/scheduler/htcondor/cedar/stream.h"
#include "agent/scheduler/htcondor/dialogue/codes.h"
#include "agent/scheduler/htcondor/dialogue/transfer_list.h"
#include "sandbox/base/fd.h"

namespace podpilot::agent::htcondor {

enum class TransferVerdict {
  done,
  hold,     // another try would end the same way: hold the job with `why`
  retry,    // connection, peer or this pod's disk: requeue, or try again in a new connection
  refused,  // the shadow does not know our key, as after a reconnect: requeue
};

struct TransferOutcome {
  TransferVerdict verdict = TransferVerdict::done;
  Reason why;               // not for done; the text marks its cause with "|Error: " for shadows
  std::uint64_t bytes = 0;  // of files' content
  std::uint64_t files = 0;  // and folders
  std::vector<std::string> top_level;  // sent: SpooledOutputFiles; received: nothing
};

struct TransferLimits {
  std::uint64_t bytes = UINT64_MAX;  // of content, for receiving: hold 34/104 beyond it
  std::uint64_t entries = 1'000'000;
  // While a peer must only pass on what it has; the stream's own stop descriptor ends all waits.
  std::chrono::seconds idle = std::chrono::minutes(5);
  // The submit side may let transfers queue, and says every few minutes that it lives.
  std::chrono::seconds queued = std::chrono::hours(24);
};

// `executable`: the file of this name gets mode 0755, whatever the peer says; "" for none.
TransferOutcome receive_files(Stream& stream, const std::string& key, BorrowedFd folder,
                              const std::string& executable, const TransferLimits& limits);

enum class TransferKind {
  final,         // into the job's own folder on the submit side
  intermediate,  // into its spool: ON_EXIT_OR_EVICT, checkpoints
};
// A file that cannot be read fails the transfer in the end; all others are sent first.
TransferOutcome send_files(Stream& stream, const std::string& key, BorrowedFd folder,
                           const OutgoingFiles& files, TransferKind kind,
                           const TransferLimits& limits);

}  // namespace podpilot::agent::htcondor
