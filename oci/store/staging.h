// SPDX-License-Identifier: Apache-2.0
// A folder in which something is made that does not count yet. It becomes visible under its final
// name by one rename; until then a lock marks its maker as alive.
#pragma once

#include <string>
#include <string_view>

#include "oci/store/lock.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

class Staging {
 public:
  // `folder` (the store's staging/) outlives the result.
  static Result<Staging> create(BorrowedFd folder);
  Staging(Staging&&) noexcept = default;
  Staging& operator=(Staging&&) = delete;
  // Removes what was not committed.
  ~Staging();

  BorrowedFd dir() const { return dir_; }
  // Renames it to `name` in `to`. Somebody else's folder of that name stays, and is as good.
  Result<void> commit(BorrowedFd to, const std::string& name);
  // Takes a folder away from where it can be seen; it is removed with the result, which may take
  // long: locks on the name need not be held for it.
  static Result<Staging> take_away(BorrowedFd staging, BorrowedFd from, const std::string& name);
  // Makes the file `name` in `to`, or replaces it.
  static Result<void> put_file(BorrowedFd staging, BorrowedFd to, const std::string& name,
                               std::string_view bytes);

 private:
  Staging(BorrowedFd folder, std::string name, FileLock lock)
      : folder_(folder), name_(std::move(name)), lock_(std::move(lock)) {}

  BorrowedFd folder_;
  std::string name_;
  FileLock lock_;
  DirFd dir_;
};

// Removes what processes that are dead left in `folder`.
Result<void> clean_staging(BorrowedFd folder);

}  // namespace podpilot::oci
