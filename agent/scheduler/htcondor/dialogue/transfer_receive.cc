// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <optional>
#include <utility>

#include "agent/scheduler/htcondor/cedar/file.h"
#include "agent/scheduler/htcondor/classad/wire.h"
#include "agent/scheduler/htcondor/dialogue/transfer.h"
#include "agent/scheduler/htcondor/dialogue/transfer_handshake.h"
#include "agent/scheduler/htcondor/dialogue/transfer_place.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

class Receiver {
 public:
  Receiver(Stream& stream, BorrowedFd folder, const std::string& executable,
           const TransferLimits& limits)
      : stream_(stream),
        folder_(folder),
        executable_(executable),
        limits_(limits),
        go_ahead_(stream, limits) {}

  TransferOutcome run(const std::string& key) {
    if (Result<void> result = converse(key); !result)
      outcome_ = broken_off(std::move(outcome_), result.error());
    return std::move(outcome_);
  }

 private:
  Result<void> converse(const std::string& key);
  Result<void> begin(const std::string& key);
  Result<void> one(TransferCommand command);
  Result<void> go_ahead();
  Result<void> file(const std::string& name);
  Result<void> folder(const std::string& name);
  Result<void> url();
  Result<void> other();
  Result<void> conclude();

  Result<MessageReader> receive(std::size_t limit) {
    return stream_.receive(limit, Deadline::after(limits_.idle));
  }
  Result<std::int64_t> integer() {
    MessageReader message = TRY(receive(kMaxSmallMessage));
    return message.integer();
  }
  Result<void> send(const Ad& ad) {
    MessageWriter message = stream_.writer();
    put_ad(message, ad);
    return stream_.send(message, Deadline::after(limits_.idle));
  }
  bool failed() const { return outcome_.verdict != TransferVerdict::done; }
  // The first failure counts; what comes later is read and thrown away.
  void fail(const LocalFailure& failure) {
    if (failed()) return;
    outcome_.verdict = failure.verdict();
    outcome_.why = {HoldCode::download_file, failure.number,
                    fmt::format("STARTER failed to receive file(s): |Error: {}", failure.text())};
  }
  Reason too_large(std::uint64_t wanted) const {
    return {HoldCode::out_of_resources, kOutOfDisk,
            fmt::format("the job's input files take {} of disk, more than the {} that it may use",
                        human_bytes(wanted), human_bytes(limits_.bytes))};
  }

  Stream& stream_;
  const BorrowedFd folder_;
  const std::string& executable_;
  const TransferLimits& limits_;
  GoAhead go_ahead_;
  std::uint64_t announced_ = 0;  // bytes, if the peer does not lie
  TransferOutcome outcome_;
};

Result<void> Receiver::converse(const std::string& key) {
  TRY(begin(key));
  for (std::uint64_t entries = 0;; ++entries) {
    const std::int64_t number = TRY(integer());
    const TransferCommand command = command_of(number);
    if (command == TransferCommand::finished) return conclude();
    if (entries == limits_.entries) {
      outcome_.verdict = TransferVerdict::hold;
      outcome_.why = {HoldCode::download_file, EMFILE,
                      fmt::format("the job has more than {} input files", limits_.entries)};
      return Error{Fault::exhausted, outcome_.why.text};
    }
    TRY(one(command));
  }
}

Result<void> Receiver::begin(const std::string& key) {
  MessageWriter message = stream_.writer();
  message.string(key);
  TRY(stream_.send(message, Deadline::after(limits_.idle)));
  MessageReader first = TRY(receive(kMaxAdMessage));
  [[maybe_unused]] const std::int64_t final_flag = TRY(first.integer());
  if (first.left() == 0) return Error{Fault::denied, kKeyRefused};
  const Ad info = TRY(get_ad(first));
  const std::int64_t size = info.integer("SandboxSize").value_or(0);
  announced_ = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0));
  return {};
}

Result<void> Receiver::go_ahead() {
  std::optional<Reason> refusal;
  if (announced_ > limits_.bytes) refusal = too_large(announced_);
  TRY(go_ahead_.tell_peer(refusal));
  if (refusal) {
    outcome_.verdict = TransferVerdict::hold;
    outcome_.why = *refusal;
    return Error{Fault::exhausted, refusal->text};
  }
  std::optional<TransferOutcome> answer = TRY(go_ahead_.wait_for_peer());
  if (!answer) return {};
  outcome_.verdict = answer->verdict;
  outcome_.why = std::move(answer->why);
  return Error{Fault::denied, outcome_.why.text};
}

Result<void> Receiver::one(TransferCommand command) {
  MessageReader message = TRY(receive(kMaxSmallMessage));
  const std::string name = TRY(message.string());
  TRY(go_ahead());
  switch (command) {
    case TransferCommand::file:
    case TransferCommand::file_encrypted:
    case TransferCommand::file_unencrypted:
      return file(name);
    case TransferCommand::folder:
      return folder(name);
    case TransferCommand::url:
      return url();
    case TransferCommand::other:
      return other();
    default:
      break;
  }
  const bool proxy = command == TransferCommand::x509_delegation;
  const std::string what = proxy ? "delegation of an X.509 proxy" : "a request of an unknown kind";
  fail({ENOTSUP, fmt::format("{} for {}", what, printable(name))});
  // What would follow is not known here.
  return Error{Fault::unsupported, outcome_.why.text};
}

Result<void> Receiver::file(const std::string& name) {
  const std::int64_t mode = TRY(integer());
  UniqueFd to;
  if (!failed() && mode != kMissingFile) {
    std::expected<UniqueFd, LocalFailure> made = create_file(folder_, name);
    if (made)
      to = std::move(*made);
    else
      fail(made.error());
  }
  if (!to) to = TRY(open_sink());
  const std::uint64_t room = limits_.bytes - outcome_.bytes;
  Result<ReceivedFile> received = receive_file(stream_, to, room, {limits_.idle, {}});
  if (!received && received.error().fault == Fault::exhausted && !failed()) {
    outcome_.verdict = TransferVerdict::hold;
    outcome_.why = {HoldCode::out_of_resources, kOutOfDisk,
                    fmt::format("the job's input files take more than the {} of disk that it may "
                                "use: {}",
                                human_bytes(limits_.bytes), received.error().text)};
  }
  if (!received) return std::move(received).error();
  outcome_.bytes += received->size;
  ++outcome_.files;
  if (received->write_error)
    fail({errno_of(*received->write_error), "writing to file " + printable(name)});
  if (failed()) return {};
  const bool runs = !executable_.empty() && name == executable_;
  const mode_t wanted = runs              ? 0755
                        : mode == kNoMode ? 0644
                                          : (static_cast<mode_t>(mode) & 0777) | 0600;
  if (mode != kMissingFile && ::fchmod(to.get(), wanted) != 0)
    fail({errno, "setting the mode of file " + printable(name)});
  return {};
}

Result<void> Receiver::folder(const std::string& name) {
  const std::int64_t mode = TRY(integer());
  if (failed()) return {};
  const mode_t wanted = mode == kNoMode ? 0755 : (static_cast<mode_t>(mode) & 0777) | 0700;
  if (const std::optional<LocalFailure> failure = create_folder(folder_, name, wanted))
    fail(*failure);
  else
    ++outcome_.files;
  return {};
}

Result<void> Receiver::url() {
  MessageReader message = TRY(receive(kMaxAdMessage));
  const std::string address = TRY(message.string());
  fail({ENOTSUP, fmt::format("URL transfers: URL file = {}", printable(address))});
  return {};
}

Result<void> Receiver::other() {
  MessageReader message = TRY(receive(kMaxAdMessage));
  const Ad ad = TRY(get_ad(message));
  const std::int64_t number = ad.integer("SubCommand").value_or(-1);
  if (number == kUploadUrl) return {};  // a report of what the peer did
  if (number == kReuseInfo) {
    // Files that we might have: we have none.
    Ad answer;
    answer.set("Result", 1);
    return send(answer);
  }
  fail({ENOTSUP, fmt::format("request {} with an ad", number)});
  return {};
}

Result<void> Receiver::conclude() {
  const Ad ack = TRY(receive_transfer_ad(stream_, Deadline::after(limits_.idle)));
  TransferOutcome peer = outcome_of_ack(ack);
  if (peer.verdict != TransferVerdict::done) {
    outcome_.verdict = peer.verdict;
    outcome_.why = std::move(peer.why);
    outcome_.why.text += "; STARTER failed to receive file(s)";
  }
  return send(ack_of(outcome_));
}

}  // namespace

TransferOutcome receive_files(Stream& stream, const std::string& key, BorrowedFd folder,
                              const std::string& executable, const TransferLimits& limits) {
  return Receiver(stream, folder, executable, limits).run(key);
}

}  // namespace podpilot::agent::htcondor
