// SPDX-License-Identifier: Apache-2.0
// Any messages as a shadow's side of a file transfer: what they make stays below the job's folder,
// within its limits, and the transfer ends. The first byte says which way files go: odd is out.
// Then messages, each 2 bytes of length (big-endian) and so many bytes of body.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "agent/scheduler/htcondor/dialogue/transfer.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"

using namespace podpilot;
using namespace podpilot::agent::htcondor;

namespace {

constexpr std::size_t kMaxInput = 64u << 10;  // fits a socket's buffer: nobody reads meanwhile
constexpr std::uint64_t kMaxBytes = 100'000;
constexpr std::uint64_t kMaxEntries = 100;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

struct Place {
  Place() {
    if (!::mkdtemp(path.data())) fail("mkdtemp");
    outer = *open_dir(path);
    job = *make_dir_at(outer, "job", 0700);
    const UniqueFd out(::openat(job.get(), "out", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!write_all(out, "content")) fail("write");
  }
  ~Place() {
    (void)remove_tree(outer, "job");
    if (::rmdir(path.c_str()) != 0) fail("something got out of the job's folder");
  }
  std::string path = "/tmp/transfer_fuzz.XXXXXX";
  DirFd outer;
  DirFd job;
};

void send_all(Stream& peer, std::string_view messages) {
  while (messages.size() > 2) {
    const std::size_t announced =
        static_cast<std::uint8_t>(messages[0]) * 256u + static_cast<std::uint8_t>(messages[1]);
    const std::string_view body = messages.substr(2, announced);
    messages.remove_prefix(2 + body.size());
    if (body.empty()) continue;
    MessageWriter message = peer.writer();
    message.bytes(body);
    if (!peer.send(message, Deadline::after(std::chrono::seconds(1)))) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > kMaxInput) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail("socketpair");
  Stream ours(UniqueFd{ends[0]}, {});
  Stream peer(UniqueFd{ends[1]}, {});
  const Key key = session_key("of a fuzzer");
  ours.encrypt(key);
  peer.encrypt(key);
  send_all(peer, input.substr(1));
  ::shutdown(peer.socket().get(), SHUT_WR);

  const Place place;
  TransferLimits limits;
  limits.bytes = kMaxBytes;
  limits.entries = kMaxEntries;
  limits.idle = std::chrono::seconds(5);
  limits.queued = std::chrono::seconds(5);
  TransferOutcome outcome;
  if (input[0] & 1) {
    const OutgoingFiles files{{{"out", "out", false}, {"gone", "gone", false}}, 7};
    outcome = send_files(ours, "key", place.job, files, TransferKind::final, limits);
    if (outcome.verdict == TransferVerdict::done) fail("a missing file was sent");
  } else {
    outcome = receive_files(ours, "key", place.job, "job.sh", limits);
  }
  if (outcome.bytes > kMaxBytes || outcome.files > kMaxEntries) fail("beyond its limits");
  if (outcome.verdict != TransferVerdict::done && outcome.why.text.find('\n') != std::string::npos)
    fail("a reason of several lines");
  return 0;
}
