// SPDX-License-Identifier: Apache-2.0
// Which files of a job's folder are its output, and the names that they travel under. The folder
// is the payload's work: no symlink is followed out of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// The names by which the shadow knows what to remap to the job's Out and Err.
inline constexpr const char* kRemoteStdout = "_condor_stdout";
inline constexpr const char* kRemoteStderr = "_condor_stderr";

struct OutgoingFile {
  std::string path;  // below the job's folder
  std::string name;  // on the wire: relative, folders before what is in them
  bool folder = false;
};

struct OutgoingFiles {
  std::vector<OutgoingFile> files;
  std::uint64_t bytes = 0;  // of content, as far as it can be known
};

// The files at the top of a job's folder before the payload runs: without transfer_output_files,
// the output is what is new or changed since.
struct TopLevelFile {
  std::int64_t seconds = 0;  // of its last change
  std::int64_t nanoseconds = 0;
  std::uint64_t size = 0;
  bool operator==(const TopLevelFile&) const = default;
};
inline constexpr std::size_t kMaxTopLevel = 1'000'000;
using Catalog = std::map<std::string, TopLevelFile>;
Result<Catalog> take_catalog(BorrowedFd folder);

struct OutputWish {
  // TransferOutput split at its commas: "a/b" travels as "b", "dir" with all that is in it, "dir/"
  // as its contents only. Nothing: new and changed files, without folders.
  std::optional<std::vector<std::string>> list;
  bool preserve_relative_paths = false;  // "a/b" travels as "a" and "a/b"
  // Where the payload's own went, in the job's folder; "" for not wanted.
  std::string stdout_path;
  std::string stderr_path;
  // Never sent because they are new: the executable, what the pilot put there.
  std::vector<std::string> not_output;
};

// At most `limit` entries; more is Fault::exhausted. What is in the list and not there, or not to
// be sent, stays in the result: to send it fails, and the job hears of it.
Result<OutgoingFiles> outgoing_files(BorrowedFd folder, const OutputWish& wish,
                                     const Catalog& before, std::size_t limit);

}  // namespace podpilot::agent::htcondor
