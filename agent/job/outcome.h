// SPDX-License-Identifier: Apache-2.0
// The one judge: where a failure came from and what it is decides, by one table, what every
// audience is told: the exit code, the spool's verdict, retry or not, and a slug that never
// changes.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "agent/job/description.h"
#include "sandbox/base/process.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

// Who has to act on it.
enum class Origin { payload, image, site, pilot, network, scheduler };
std::string_view to_string(Origin origin);

// What a scheduler does with the job.
enum class Verdict {
  done,     // the payload ran to an end of its own, whatever its exit code
  failed,   // pilot, site or image could not run it, and a second try would end the same way
  requeue,  // nothing wrong with the job: another try, here or elsewhere, may go well
};
std::string_view to_string(Verdict verdict);

struct Judgement {
  std::string_view slug;  // stable: error line, log, spool, metric label, README's table
  Verdict verdict;
  int exit_code;            // of `podpilot run`
  std::string_view remedy;  // what the reader can do, a half sentence
};

// Total: every pair has a row.
const Judgement& judge(Origin origin, Fault fault);
// The row of a slug that judge() gave.
const Judgement& judgement_of(std::string_view slug);

// Whose failure a pull's Error is: the registry's answer is about the image, an unreachable one is
// the network's, a full disk is the site's.
Origin origin_of_pull(Fault fault);

// How a job ended, complete.
struct Outcome {
  Verdict verdict = Verdict::done;
  // Where the payload ran: how it ended. Both empty where it never started.
  std::optional<ExitStatus> exit;
  // Where it is not simply the payload's own end:
  std::string slug;  // "" for a plain exit
  std::optional<Origin> origin;
  std::string text;  // one line for people

  struct Times {
    std::chrono::milliseconds pull{0};   // 0 where the image was there
    std::chrono::milliseconds start{0};  // from the image being ready to the payload's execve
    std::chrono::milliseconds run{0};
  } times;
  Usage usage;
  std::string image_digest;  // of the manifest that ran, "sha256:..."; "" if it came not so far
};

Outcome failure(Origin origin, const Error& error);
// The payload was over a limit.
Outcome failure(Excess excess, std::string text);

}  // namespace podpilot::agent
