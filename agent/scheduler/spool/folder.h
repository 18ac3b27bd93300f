// SPDX-License-Identifier: Apache-2.0
// The spool's folder as FORMAT.md describes it: lists, renames and places, no decisions. All calls
// may block for as long as a file server takes. Usable from several threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/scheduler/spool/ticket.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/io.h"
#include "sandbox/base/result.h"

#ifndef PODPILOT_SPOOL_FORMAT
#define PODPILOT_SPOOL_FORMAT 1
#endif

namespace podpilot::agent::spool {

inline constexpr int kSpoolFormat = PODPILOT_SPOOL_FORMAT;

// By the clock of the filesystem that holds the spool, and of no other.
using FileTime = std::chrono::sys_time<std::chrono::nanoseconds>;

enum class Create { no, yes };

// The tickets of one look, each job once, in the order in which they are to be taken.
struct Snapshot {
  std::vector<std::pair<State, Ticket>> tickets;
};

class Folder {
 public:
  // Create::no: Fault::not_found where there is no spool of our format.
  static Result<Folder> open(const std::string& path, Create create);

  const std::string& path() const { return path_; }
  // A format number above ours that has a folder here; it is somebody else's.
  std::optional<int> newer_format() const { return newer_; }

  // In order of Ticket::name. Names that are no tickets are ignored, with one warning a listing.
  Result<std::vector<Ticket>> list(State state) const;
  // A job that moves while we look is seen all the same (FORMAT.md, "Looking").
  Result<Snapshot> look() const;
  // Nothing queued and nothing running.
  Result<bool> drained() const;

  // The one step of every protocol: false if the ticket is not there (any more), that is, somebody
  // else was faster.
  Result<bool> move(State from, const Ticket& ticket, State to, const Ticket& renamed) const;
  Result<bool> holds(State state, const Ticket& ticket) const;
  // When the job was submitted: tickets are made then and never written again.
  Result<FileTime> submitted(State state, const Ticket& ticket) const;

  Result<DirFd> job(const std::string& id) const;
  Result<DirFd> attempt(const Ticket& ticket, Create create) const;
  // Where the attempt's files are, for people and scripts.
  std::string attempt_path(const Ticket& ticket) const;
  Result<void> remove_attempt(const Ticket& ticket) const;
  // tmp, jobs, queued, running or done, opened anew: on NFS only opening a folder makes the client
  // ask the server for changes.
  Result<DirFd> part(const char* name) const;
  BorrowedFd root() const { return root_; }

  // The filesystem's clock, learnt by writing a file.
  Result<FileTime> now() const;

 private:
  Folder(std::string path, DirFd root, std::optional<int> newer)
      : path_(std::move(path)), root_(std::move(root)), newer_(newer) {}

  std::string path_;  // SPOOL/v1
  DirFd root_;
  std::optional<int> newer_;
};

Result<FileTime> modified(BorrowedFd fd);

}  // namespace podpilot::agent::spool
