// SPDX-License-Identifier: Apache-2.0
// One file's content in CEDAR's framing (put_file and get_file of condor_io/reli_sock.cpp), on an
// encrypted stream; Fault::unsupported on any other. Without permissions and names: those are
// messages of the file transfer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "agent/scheduler/htcondor/cedar/stream.h"

namespace podpilot::agent::htcondor {

inline constexpr std::uint64_t kFileChunk = 256u << 10;    // as we send
inline constexpr std::uint64_t kMaxFileChunk = 16u << 20;  // as we receive

// Each chunk has `stall` of its own. `progress` (may be none) is told the bytes so far.
struct FilePace {
  std::chrono::milliseconds stall = std::chrono::minutes(5);
  std::function<void(std::uint64_t bytes)> progress;
};

// Sends exactly `size` bytes of `file`, from its start. A file that proves shorter is
// Fault::corrupt, and the stream is then of no use; one that grew is cut at `size`.
Result<void> send_file(Stream& stream, BorrowedFd file, std::uint64_t size, const FilePace& pace);

struct ReceivedFile {
  std::uint64_t size = 0;  // as the peer sent it
  // Where it could not be written whole: why. The rest was read all the same, so that the stream
  // is good for saying so.
  std::optional<Error> write_error;
};

// Writes what comes to `to`. An announced size over `limit` is Fault::exhausted before any of it is
// read, and the stream is then of no use.
Result<ReceivedFile> receive_file(Stream& stream, BorrowedFd to, std::uint64_t limit,
                                  const FilePace& pace);

}  // namespace podpilot::agent::htcondor
