// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "agent/scheduler/htcondor/cedar/file.h"
#include "agent/scheduler/htcondor/classad/wire.h"
#include "agent/scheduler/htcondor/dialogue/transfer.h"
#include "agent/scheduler/htcondor/dialogue/transfer_handshake.h"
#include "agent/scheduler/htcondor/dialogue/transfer_place.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

class Sender {
 public:
  Sender(Stream& stream, BorrowedFd folder, const TransferLimits& limits)
      : stream_(stream), folder_(folder), limits_(limits), go_ahead_(stream, limits) {}

  TransferOutcome run(const std::string& key, const OutgoingFiles& files, TransferKind kind) {
    if (Result<void> result = converse(key, files, kind); !result)
      outcome_ = broken_off(std::move(outcome_), result.error());
    return std::move(outcome_);
  }

 private:
  Result<void> converse(const std::string& key, const OutgoingFiles& files, TransferKind kind);
  Result<void> go_ahead();
  Result<void> file(const OutgoingFile& what);
  Result<void> missing(const Reason& why);
  Result<void> folder(const OutgoingFile& what);
  Result<void> conclude();

  Result<void> send(const MessageWriter& message) {
    return stream_.send(message, Deadline::after(limits_.idle));
  }
  Result<void> integer(std::int64_t value) {
    MessageWriter message = stream_.writer();
    message.integer(value);
    return send(message);
  }
  Result<void> string(const std::string& value) {
    MessageWriter message = stream_.writer();
    message.string(value);
    return send(message);
  }

  Stream& stream_;
  const BorrowedFd folder_;
  const TransferLimits& limits_;
  GoAhead go_ahead_;
  TransferOutcome outcome_;
  Reason first_failure_;
  bool transient_ = false;  // the first failure is the pod's
  std::uint64_t failures_ = 0;
};

Result<void> Sender::converse(const std::string& key, const OutgoingFiles& files,
                              TransferKind kind) {
  TRY(string(key));
  Ad info;
  info.set("SandboxSize", files.bytes);
  MessageWriter first = stream_.writer();
  first.integer(kind == TransferKind::final ? 1 : 0);
  put_ad(first, info);
  TRY(send(first));
  for (const OutgoingFile& what : files.files) {
    TRY(integer(static_cast<int>(what.folder ? TransferCommand::folder : TransferCommand::file)));
    TRY(string(what.name));
    TRY(go_ahead());
    if (what.folder)
      TRY(folder(what));
    else
      TRY(file(what));
  }
  return conclude();
}

Result<void> Sender::go_ahead() {
  std::optional<TransferOutcome> answer = TRY(go_ahead_.wait_for_peer());
  if (answer) {
    outcome_.verdict = answer->verdict;
    outcome_.why = std::move(answer->why);
    return Error{Fault::denied, outcome_.why.text};
  }
  return go_ahead_.tell_peer({});
}

Result<void> Sender::folder(const OutgoingFile& what) {
  TRY(integer(folder_mode(folder_, what.path).value_or(0755)));
  ++outcome_.files;
  if (what.name.find('/') == std::string::npos) outcome_.top_level.push_back(what.name);
  return {};
}

Result<void> Sender::file(const OutgoingFile& what) {
  std::expected<OpenedFile, LocalFailure> opened = open_file(folder_, what.path);
  if (!opened) {
    if (failures_ == 0) transient_ = opened.error().verdict() == TransferVerdict::retry;
    return missing({HoldCode::upload_file, opened.error().number, opened.error().text()});
  }
  const std::optional<std::uint64_t> most = go_ahead_.peer_limit();
  if (most && opened->size > *most - std::min(*most, outcome_.bytes))
    return missing({HoldCode::max_transfer_output_size, 0,
                    fmt::format("sending file {}: the job's output is larger than the {} that the "
                                "access point takes",
                                printable(what.path), human_bytes(*most))});
  TRY(integer(opened->mode));
  TRY(send_file(stream_, opened->file, opened->size, {limits_.idle, {}}));
  outcome_.bytes += opened->size;
  ++outcome_.files;
  if (what.name.find('/') == std::string::npos && what.name != kRemoteStdout &&
      what.name != kRemoteStderr)
    outcome_.top_level.push_back(what.name);
  return {};
}

// Keeps the stream in step: an empty file that the peer does not keep.
Result<void> Sender::missing(const Reason& why) {
  if (failures_++ == 0) first_failure_ = why;
  TRY(integer(kMissingFile));
  return send_file(stream_, BorrowedFd(), 0, {limits_.idle, {}});
}

Result<void> Sender::conclude() {
  TRY(integer(static_cast<int>(TransferCommand::finished)));
  if (failures_ > 0) {
    outcome_.verdict = transient_ ? TransferVerdict::retry : TransferVerdict::hold;
    outcome_.why = first_failure_;
    outcome_.why.text =
        failures_ == 1
            ? fmt::format("STARTER failed to send file(s): |Error: {}", first_failure_.text)
            : fmt::format(
                  "STARTER failed to send file(s): |Error: {} total failures: first "
                  "failure: {}",
                  failures_, first_failure_.text);
  }
  MessageWriter ack = stream_.writer();
  put_ad(ack, ack_of(outcome_));
  TRY(send(ack));
  const Ad answer = TRY(receive_transfer_ad(stream_, Deadline::after(limits_.idle)));
  TransferOutcome peer = outcome_of_ack(answer);
  if (peer.verdict != TransferVerdict::done && failures_ == 0) {
    outcome_.verdict = peer.verdict;
    outcome_.why = std::move(peer.why);
    outcome_.why.text.insert(0, "STARTER failed to send file(s); ");
  }
  return {};
}

}  // namespace

TransferOutcome send_files(Stream& stream, const std::string& key, BorrowedFd folder,
                           const OutgoingFiles& files, TransferKind kind,
                           const TransferLimits& limits) {
  return Sender(stream, folder, limits).run(key, files, kind);
}

}  // namespace podpilot::agent::htcondor
