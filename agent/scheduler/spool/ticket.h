// SPDX-License-Identifier: Apache-2.0
// A ticket is a job's place in the spool: an empty file whose name says everything and whose
// folder is the job's state. Every step of a job's life is one rename of its ticket.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace podpilot::agent::spool {

enum class State { queued, running, done };
// The folder's name.
const char* to_string(State state);

inline constexpr std::int64_t kMaxPriority = 1'000'000;

struct Ticket {
  std::int64_t priority = 0;  // higher first
  std::string job;            // id
  unsigned attempt = 0;       // times it was taken
  unsigned retried = 0;       // of the job's `retries`, how many are used
  unsigned strikes = 0;       // attempts that went wrong without the job being at fault
  std::uint64_t owner = 0;    // who took it last; 0: nobody yet

  bool operator==(const Ticket&) const = default;

  // Sorts as text in the order in which jobs are to be taken.
  std::string name() const;
  // Nothing for a name that name() cannot have made.
  static std::optional<Ticket> parse(std::string_view name);
  // The folder below jobs/<job>/attempts that belongs to this attempt and to no other.
  std::string attempt_name() const;
  // As `who` takes it.
  Ticket taken_by(std::uint64_t who) const;
};

// "20260721T221530123456Z-9f3ab2c1": sorts by the submitter's clock, unique by chance.
std::string new_job_id(std::chrono::system_clock::time_point now, std::uint32_t random);
bool is_job_id(std::string_view text);

}  // namespace podpilot::agent::spool
