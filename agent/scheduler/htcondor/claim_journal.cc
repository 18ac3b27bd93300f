// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/claim_journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <optional>
#include <utility>

#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/random.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::size_t kMaxFile = kMaxSinful + kMaxClaimId + 2;
constexpr std::time_t kForgottenAfter = 30 * 24 * 3600;

Result<void> lock(BorrowedFd file) {
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return sys_error("flock");
  return {};
}

void unlink_at(BorrowedFd folder, const std::string& name) {
  ::unlinkat(folder.get(), name.c_str(), 0);
}

Result<ClaimJournal::Orphan> read_orphan(BorrowedFd file) {
  std::string bytes = TRY(read_all(file, kMaxFile));
  const oci::Secret text(std::move(bytes));
  const std::vector<std::string_view> lines = split(text.reveal(), '\n');
  if (lines.size() != 3 || !lines[2].empty())
    return Error{Fault::invalid, "a journalled claim has two lines"};
  ClaimJournal::Orphan orphan;
  orphan.schedd = TRY(parse_sinful(lines[0]));
  orphan.claim_id = TRY(parse_claim_id(lines[1]));
  return orphan;
}

bool is_forgotten(BorrowedFd file) {
  struct stat st{};
  return ::fstat(file.get(), &st) == 0 && st.st_mtime + kForgottenAfter < std::time(nullptr);
}

}  // namespace

Result<ClaimJournal> ClaimJournal::open(const std::string& folder) {
  ClaimJournal journal;
  journal.folder_ = TRY(make_dirs(folder, 0700));
  return journal;
}

// The lock comes before the name that others look at, and stays with the file.
Result<void> ClaimJournal::add(ClaimId claim, const Sinful& schedd, const SecretClaimId& claim_id) {
  Entry entry{random_name(), {}};
  const std::string draft = "." + entry.name;
  entry.lock = TRY(open_beneath(folder_, draft, O_WRONLY | O_CREAT | O_EXCL, 0600));
  Result<void> written = lock(entry.lock);
  const oci::Secret text(fmt::format("{}\n{}\n", format(schedd), claim_id.reveal()));
  if (written) written = write_all(entry.lock, text.reveal());
  if (written && ::renameat(folder_.get(), draft.c_str(), folder_.get(), entry.name.c_str()) != 0)
    written = sys_error("rename of a claim's journal");
  if (!written) {
    unlink_at(folder_, draft);
    return written;
  }
  entries_.insert_or_assign(claim, std::move(entry));
  return {};
}

void ClaimJournal::remove(ClaimId claim) {
  const auto found = entries_.find(claim);
  if (found == entries_.end()) return;
  unlink_at(folder_, found->second.name);
  entries_.erase(found);
}

Result<std::vector<ClaimJournal::Orphan>> ClaimJournal::orphans() const {
  std::vector<Orphan> found;
  const std::vector<std::string> names = TRY(list_names(folder_));
  for (const std::string& name : names) {
    Result<UniqueFd> file = open_beneath(folder_, name, O_RDONLY | O_NONBLOCK);
    if (!file) continue;
    const bool forgotten = is_forgotten(*file);
    // A draft that is just being made has no lock yet: nobody may take it now.
    if ((name.starts_with('.') && !forgotten) || !lock(*file)) continue;
    Result<Orphan> orphan = read_orphan(*file);
    if (!orphan || forgotten) {
      unlink_at(folder_, name);
      continue;
    }
    orphan->name = name;
    orphan->lock = *std::move(file);
    found.push_back(*std::move(orphan));
  }
  return found;
}

void ClaimJournal::settle(const Orphan& orphan) const {
  unlink_at(folder_, orphan.name);
}

}  // namespace podpilot::agent::htcondor
