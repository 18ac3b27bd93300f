// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/transfer.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "agent/scheduler/spool/attempt.h"
#include "agent/scheduler/spool/copy_tree.h"
#include "agent/scheduler/spool/job_file.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::spool {
namespace {

constexpr std::size_t kMaxInputs = 1'000'000;
constexpr std::size_t kMaxMissing = 20;

// Whether the payload, and not this pod or the spool, is why an output was not taken.
bool is_payloads(Fault fault) {
  return fault == Fault::not_found || fault == Fault::invalid || fault == Fault::denied;
}

Result<void> send_log(TreeCopier& copier, BorrowedFd folder, const char* from, const char* to) {
  Result<void> copied = copier.copy(folder, from, to);
  // A job that never started has none.
  if (!copied && copied.error().fault == Fault::not_found) return {};
  return copied;
}

// An earlier try may have left a part behind.
Result<DirFd> fresh_attempt(const Folder& spool, const Ticket& ticket) {
  DirFd attempt = TRY(spool.attempt(ticket, Create::yes));
  for (const char* name : {kStdout, kStderr, kOutputs}) TRY(remove_tree(attempt, name));
  return attempt;
}

}  // namespace

Result<void> bring_inputs(const Folder& spool, const std::string& job, BorrowedFd folder,
                          const std::stop_token& stop) {
  const DirFd home = TRY(spool.job(job));
  const UniqueFd inputs = TRY(open_beneath(home, kInputs, O_RDONLY | O_DIRECTORY));
  const std::vector<std::string> names = TRY(list_names(inputs, kMaxInputs));
  TreeCopier copier(folder, {}, stop);
  for (const std::string& name : names) TRY(copier.copy(inputs, name, name).within("inputs"));
  return {};
}

Result<Sent> send_outputs(const Folder& spool, const Ticket& ticket, BorrowedFd folder,
                          const std::vector<std::string>& outputs, const std::stop_token& stop) {
  const DirFd attempt = TRY(fresh_attempt(spool, ticket));
  TreeCopier logs(attempt, {}, stop);
  TRY(send_log(logs, folder, kStdoutFile, kStdout));
  TRY(send_log(logs, folder, kStderrFile, kStderr));
  Sent sent;
  if (outputs.empty()) return sent;
  const DirFd target = TRY(make_dir_at(attempt, kOutputs, 0777));
  TreeCopier copier(target, {}, stop);
  for (const std::string& output : outputs) {
    // Checked when the job was read; here it guards the attempt's folder.
    const std::string clean = clean_relative(output);
    const Result<void> copied = clean.empty() ? Error{Fault::invalid, output + ": leads outside"}
                                              : copier.copy(folder, clean, clean);
    if (copied) continue;
    if (!is_payloads(copied.error().fault)) return copied.error();
    if (sent.missing.size() < kMaxMissing) sent.missing.push_back(copied.error().text);
  }
  sent.skipped = copier.skipped();
  return sent;
}

}  // namespace podpilot::agent::spool
