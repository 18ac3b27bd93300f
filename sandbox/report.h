// SPDX-License-Identifier: Apache-2.0
// What pid 1 of a sandbox tells the pilot, as fixed records on a SOCK_SEQPACKET pair:
//
//   pid 1                                                       pilot
//     terminal   (only if asked for; carries the descriptor)      ->
//     memory     one for each tmpfs; carries a descriptor for fstatfs(2)   ->
//     started    the payload's execve went through                ->
//     ended      the payload was reaped, usage of all the reaped  ->
//     failed     instead of any of these: step and errno          ->   (the sandbox is gone then)
//   end of stream: pid 1 is gone. Without `ended` or `failed` before it, it was killed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::sandbox {

enum class ReportKind : std::uint32_t {
  terminal,
  memory,
  started,
  ended,
  failed,        // the sandbox could not be set up
  not_executed,  // it could, but the payload's program cannot be run: not_found or denied
};

struct Report {
  ReportKind kind{};
  Fault fault{};                 // of failed and not_executed
  std::int32_t wait_status = 0;  // of ended, as wait(2) gives it
  std::int64_t cloned_ns = 0;    // CLOCK_MONOTONIC just before clone(2)
  std::int64_t executed_ns = 0;  // and when execve(2) was seen to have worked
  std::int64_t user_us = 0;      // of ended
  std::int64_t system_us = 0;
  std::int64_t max_rss_kib = 0;
  char text[1000] = {};  // of failed and not_executed, NUL terminated

  void set_error(const Error& error);
  Error error() const;
};

std::int64_t monotonic_ns();

// `descriptor` rides along where it is valid.
Result<void> send_report(BorrowedFd socket, const Report& report, BorrowedFd descriptor = {});

struct Received {
  Report report;
  UniqueFd descriptor;
};
// Does not block: nothing where none is there. The end of the stream is Fault::not_found.
Result<std::optional<Received>> receive_report(BorrowedFd socket);

}  // namespace podpilot::sandbox
