// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/dialogue/transfer_place.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "agent/scheduler/htcondor/dialogue/transfer_handshake.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

struct Place {
  UniqueFd folder;
  std::string name;
};

// The folder that `name` is, or is to be, in.
std::expected<Place, LocalFailure> place_of(BorrowedFd root, const std::string& name,
                                            const std::string& what) {
  std::string path = name;
  while (!path.empty() && path.back() == '/') path.pop_back();
  if (!is_legal_name(path)) return std::unexpected(LocalFailure{EPERM, what});
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash);
  std::string last = slash == std::string::npos ? path : path.substr(slash + 1);
  if (last == ".") return std::unexpected(LocalFailure{EPERM, what});
  Result<UniqueFd> folder = open_beneath(root, parent, O_PATH | O_DIRECTORY);
  if (!folder) return std::unexpected(LocalFailure{errno_of(folder.error()), what});
  return Place{std::move(*folder), std::move(last)};
}

}  // namespace

std::string LocalFailure::text() const {
  return fmt::format("{}: (errno {}) {}", what, number, std::generic_category().message(number));
}

TransferVerdict LocalFailure::verdict() const {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EIO:
    case EROFS:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return TransferVerdict::retry;
    default:
      return TransferVerdict::hold;
  }
}

int errno_of(const Error& error) {
  switch (error.fault) {
    case Fault::not_found:
      return ENOENT;
    case Fault::denied:
      return EACCES;
    case Fault::exhausted:
      return ENOSPC;
    case Fault::invalid:
      return ENOTDIR;
    case Fault::unsupported:
      return ENOTSUP;
    case Fault::transient:
    case Fault::corrupt:
    case Fault::internal:
      return EIO;
  }
  return EIO;
}

bool is_legal_name(const std::string& name) {
  if (name.empty() || name.front() == '/' || name.size() >= PATH_MAX) return false;
  const std::vector<std::string_view> parts = split(name, '/');
  return std::none_of(parts.begin(), parts.end(),
                      [](std::string_view part) { return part == ".."; });
}

std::expected<UniqueFd, LocalFailure> create_file(BorrowedFd folder, const std::string& name) {
  const std::string what = "writing to file " + printable(name);
  std::expected<Place, LocalFailure> place = place_of(folder, name, what);
  if (!place) return std::unexpected(std::move(place).error());
  const int at = place->folder.get();
  if (::unlinkat(at, place->name.c_str(), 0) != 0 && errno != ENOENT)
    return std::unexpected(LocalFailure{errno, what});
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  UniqueFd file(::openat(at, place->name.c_str(), flags, 0600));
  if (!file) return std::unexpected(LocalFailure{errno, what});
  return file;
}

std::optional<LocalFailure> create_folder(BorrowedFd folder, const std::string& name, mode_t mode) {
  const std::string what = "creating directory " + printable(name);
  std::expected<Place, LocalFailure> place = place_of(folder, name, what);
  if (!place) return std::move(place).error();
  const int at = place->folder.get();
  const char* last = place->name.c_str();
  struct stat st{};
  if (::fstatat(at, last, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode) &&
      ::unlinkat(at, last, 0) != 0)
    return LocalFailure{errno, what};
  if (::mkdirat(at, last, 0700) != 0 && errno != EEXIST) return LocalFailure{errno, what};
  const UniqueFd made(::openat(at, last, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!made || ::fchmod(made.get(), mode) != 0) return LocalFailure{errno, what};
  return std::nullopt;
}

std::expected<OpenedFile, LocalFailure> open_file(BorrowedFd folder, const std::string& path) {
  const std::string what = "reading from file " + printable(path);
  if (!is_legal_name(path)) return std::unexpected(LocalFailure{EPERM, what});
  // Not to wait for a FIFO's other end, and not to become a terminal's process.
  Result<UniqueFd> file = open_in_root(folder, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file) return std::unexpected(LocalFailure{errno_of(file.error()), what});
  struct stat st{};
  if (::fstat(file->get(), &st) != 0) return std::unexpected(LocalFailure{errno, what});
  if (S_ISDIR(st.st_mode)) return std::unexpected(LocalFailure{EISDIR, what});
  if (!S_ISREG(st.st_mode)) return std::unexpected(LocalFailure{EINVAL, what});
  return OpenedFile{std::move(*file), static_cast<std::uint64_t>(st.st_size), st.st_mode & 0777};
}

std::optional<mode_t> folder_mode(BorrowedFd folder, const std::string& path) {
  const Result<UniqueFd> fd = open_beneath(folder, path, O_PATH | O_DIRECTORY);
  struct stat st{};
  if (!fd || ::fstat(fd->get(), &st) != 0) return std::nullopt;
  return st.st_mode & 0777;
}

Result<UniqueFd> open_sink() {
  UniqueFd sink(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!sink) return sys_error("open /dev/null");
  return sink;
}

TransferOutcome broken_off(TransferOutcome outcome, const Error& error) {
  if (outcome.verdict != TransferVerdict::done) return outcome;
  const bool refused = error.fault == Fault::denied && error.text == kKeyRefused;
  outcome.verdict = refused ? TransferVerdict::refused : TransferVerdict::retry;
  outcome.why = {HoldCode::job_should_requeue, 0, printable(error.text)};
  return outcome;
}

}  // namespace podpilot::agent::htcondor
