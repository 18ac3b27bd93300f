// SPDX-License-Identifier: Apache-2.0
// How a command says to a person that it failed: one line that names the thing, the slug and what
// to do.
#pragma once

#include <string>
#include <string_view>

#include "agent/job/outcome.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

// A line for people, with its newline, and the exit code of `podpilot run` for it.
struct Message {
  int exit_code = 0;
  std::string line;
};
Message failure_message(std::string_view command, Origin origin, const Error& error);
Message usage_message(std::string_view command, const Error& error);
// Of a pilot: Fault::invalid has an exit code of its own, as no other pod could do better.
Message pilot_usage_message(const Error& error);
// On stderr. Returns its exit code.
int report(const Message& message);

// "podpilot run: no such tag ... (image-not-found): check the image's name and tag". Returns the
// exit code of `podpilot run` for it.
int report_failure(std::string_view command, Origin origin, const Error& error);
void report_line(std::string_view command, std::string_view text, std::string_view slug,
                 std::string_view remedy);

// For what the user typed: usage and option values. No slug, it never reaches a scheduler.
int report_usage(std::string_view command, const Error& error);

}  // namespace podpilot::agent
