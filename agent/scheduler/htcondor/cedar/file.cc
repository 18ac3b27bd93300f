// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/cedar/file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::int64_t kEmptyFile = 666;  // PUT_FILE_EOM_NUM of condor_io/reli_sock.cpp

Error not_encrypted() {
  return {Fault::unsupported, "files are transferred on encrypted connections only"};
}

// All of `chunk`, which is never empty, from `offset` on.
Result<void> fill(BorrowedFd file, std::string& chunk, std::uint64_t offset) {
  for (std::size_t have = 0; have < chunk.size();) {
    const ssize_t n = ::pread(file.get(), chunk.data() + have, chunk.size() - have,
                              static_cast<off_t>(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("read");
    if (n == 0) return Error{Fault::corrupt, "the file became shorter while it was sent"};
    have += static_cast<std::size_t>(n);
  }
  return {};
}

}  // namespace

Result<void> send_file(Stream& stream, BorrowedFd file, std::uint64_t size, const FilePace& pace) {
  if (!stream.encrypted()) return not_encrypted();
  MessageWriter announcement = stream.writer();
  announcement.integer(static_cast<std::int64_t>(size)).integer(kFileChunk);
  TRY(stream.send(announcement, Deadline::after(pace.stall)));
  std::string chunk;
  for (std::uint64_t done = 0; done < size; done += chunk.size()) {
    chunk.resize(std::min(kFileChunk, size - done));
    TRY(fill(file, chunk, done));
    MessageWriter message = stream.writer();
    message.bytes(chunk);
    TRY(stream.send(message, Deadline::after(pace.stall)));
    if (pace.progress) pace.progress(done + chunk.size());
  }
  if (size > 0) return {};
  MessageWriter end = stream.writer();
  end.integer(kEmptyFile);
  return stream.send(end, Deadline::after(pace.stall));
}

Result<ReceivedFile> receive_file(Stream& stream, BorrowedFd to, std::uint64_t limit,
                                  const FilePace& pace) {
  if (!stream.encrypted()) return not_encrypted();
  MessageReader announcement = TRY(stream.receive(kMaxSmallMessage, Deadline::after(pace.stall)));
  const std::int64_t size = TRY(announcement.integer());
  const std::size_t chunk = TRY(announcement.count(kMaxFileChunk));
  if (size < 0 || chunk == 0) return Error{Fault::invalid, "a file of an impossible size"};
  ReceivedFile received;
  received.size = static_cast<std::uint64_t>(size);
  if (received.size > limit)
    return Error{Fault::exhausted,
                 fmt::format("a file of {} bytes, at most {} would do", size, limit)};
  for (std::uint64_t done = 0; done < received.size;) {
    MessageReader message = TRY(stream.receive(chunk, Deadline::after(pace.stall)));
    const std::size_t length = message.left();
    if (length == 0 || length > received.size - done)
      return Error{Fault::invalid, "a file with more bytes than announced"};
    const std::string bytes = TRY(message.bytes(length));
    if (!received.write_error) {
      auto written = write_all(to, bytes);
      if (!written) received.write_error = std::move(written).error();
    }
    done += length;
    if (pace.progress) pace.progress(done);
  }
  if (received.size > 0) return received;
  MessageReader end = TRY(stream.receive(kMaxSmallMessage, Deadline::after(pace.stall)));
  const std::int64_t mark = TRY(end.integer());
  if (mark != kEmptyFile) return Error{Fault::invalid, "an empty file without its end"};
  return received;
}

}  // namespace podpilot::agent::htcondor
