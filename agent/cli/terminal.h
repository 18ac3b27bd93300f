// SPDX-License-Identifier: Apache-2.0
// The user's terminal joined to a payload's: raw mode on ours, bytes both ways, window size.
#pragma once

#include <termios.h>

#include <optional>
#include <string>

#include "sandbox/base/fd.h"
#include "sandbox/base/poller.h"

namespace podpilot::agent {

class TerminalRelay {
 public:
  explicit TerminalRelay(Poller& poller) : poller_(poller) {}
  // Restores our terminal; copies what the payload still had to say.
  ~TerminalRelay();

  // From now on stdin goes to `master`, its output to stdout. stdin need not be a terminal.
  void connect(UniqueFd master);
  // After SIGWINCH.
  void resize();

 private:
  void from_user();
  void to_user();
  void flush_input();

  Poller& poller_;
  UniqueFd master_;
  std::optional<termios> saved_;
  std::string input_;  // read from the user, not yet taken by the payload
  bool at_end_ = false;
  Poller::Handle input_watch_;
  Poller::Handle output_watch_;
  Poller::Handle pending_watch_;
};

}  // namespace podpilot::agent
