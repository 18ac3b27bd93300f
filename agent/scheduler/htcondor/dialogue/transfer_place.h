// SPDX-License-Identifier: Apache-2.0
// Files and folders of a job's folder, by names from outside: made and opened below it, never
// outside. Failures carry their errno, because holds do.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "agent/scheduler/htcondor/dialogue/transfer.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

struct LocalFailure {
  int number = 0;    // errno
  std::string what;  // "reading from file a/b"

  std::string text() const;  // "reading from file a/b: (errno 2) No such file or directory"
  // Of the job's making: hold. A full or broken disk is the pod's: retry.
  TransferVerdict verdict() const;
};

// The errno that an Error of sandbox/base stands for, as far as its fault tells.
int errno_of(const Error& error);

// Relative, not empty, without "..".
bool is_legal_name(const std::string& name);

// A new file; what had the name before is removed. Its folder must be there.
std::expected<UniqueFd, LocalFailure> create_file(BorrowedFd folder, const std::string& name);
// Nothing on success, also where the folder is there already.
std::optional<LocalFailure> create_folder(BorrowedFd folder, const std::string& name, mode_t mode);

struct OpenedFile {
  UniqueFd file;
  std::uint64_t size = 0;
  mode_t mode = 0;  // permissions
};
// For reading; symlinks are followed as far as they stay below `folder`. Neither folders nor
// special files are opened.
std::expected<OpenedFile, LocalFailure> open_file(BorrowedFd folder, const std::string& path);

// A folder's permissions; nothing where it is none.
std::optional<mode_t> folder_mode(BorrowedFd folder, const std::string& path);

// /dev/null.
Result<UniqueFd> open_sink();

// The outcome of a transfer whose stream is of no use any more; what failed before stays.
TransferOutcome broken_off(TransferOutcome outcome, const Error& error);

}  // namespace podpilot::agent::htcondor
