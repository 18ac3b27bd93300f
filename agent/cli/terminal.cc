// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sandbox/base/io.h"

namespace podpilot::agent {
namespace {

constexpr std::size_t kChunk = 16 * 1024;
constexpr std::size_t kMaxPendingInput = 64 * 1024;
constexpr char kEndOfFile = 4;  // Ctrl-D, what a terminal in canonical mode takes for the end

}  // namespace

TerminalRelay::~TerminalRelay() {
  if (master_) to_user();
  if (saved_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &*saved_);
}

void TerminalRelay::connect(UniqueFd master) {
  master_ = std::move(master);
  ::fcntl(master_.get(), F_SETFL, O_NONBLOCK);
  resize();
  termios mode{};
  if (::tcgetattr(STDIN_FILENO, &mode) == 0) {
    saved_ = mode;
    ::cfmakeraw(&mode);
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
  }
  input_watch_ = poller_.watch(BorrowedFd(STDIN_FILENO), POLLIN, [this](short) { from_user(); });
  output_watch_ = poller_.watch(master_, POLLIN, [this](short) { to_user(); });
}

void TerminalRelay::resize() {
  winsize size{};
  if (master_ && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
    ::ioctl(master_.get(), TIOCSWINSZ, &size);
}

void TerminalRelay::from_user() {
  char buffer[kChunk];
  const Result<std::size_t> n = read_some(BorrowedFd(STDIN_FILENO), buffer, sizeof buffer);
  if (n && *n > 0) {
    input_.append(buffer, *n);
  } else {
    input_ += kEndOfFile;
    at_end_ = true;
    input_watch_.reset();
  }
  flush_input();
}

void TerminalRelay::flush_input() {
  const ssize_t n = ::write(master_.get(), input_.data(), input_.size());
  if (n > 0) input_.erase(0, static_cast<std::size_t>(n));
  if (input_.empty()) {
    pending_watch_.reset();
  } else if (!pending_watch_) {
    pending_watch_ = poller_.watch(master_, POLLOUT, [this](short) { flush_input(); });
  }
  // A payload that does not read must not make us hold all that is typed or piped in.
  if (input_.size() > kMaxPendingInput)
    input_watch_.reset();
  else if (!input_watch_ && !at_end_)
    input_watch_ = poller_.watch(BorrowedFd(STDIN_FILENO), POLLIN, [this](short) { from_user(); });
}

void TerminalRelay::to_user() {
  char buffer[kChunk];
  for (;;) {
    const ssize_t n = ::read(master_.get(), buffer, sizeof buffer);
    if (n <= 0) {
      // EIO: the payload's last descriptor of the terminal is closed.
      if (n == 0 || errno != EAGAIN) output_watch_.reset();
      return;
    }
    if (!write_all(BorrowedFd(STDOUT_FILENO), {buffer, static_cast<std::size_t>(n)})) return;
  }
}

}  // namespace podpilot::agent
