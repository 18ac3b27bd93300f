// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/poller.h"

#include <poll.h>
#include <sys/signalfd.h>

#include <algorithm>

#include "sandbox/base/errno.h"

namespace podpilot {

Poller::Handle Poller::watch(BorrowedFd fd, short events, std::function<void(short)> callback) {
  const std::uint64_t id = next_id_++;
  watches_.emplace(id, std::make_shared<Watch>(Watch{fd.get(), events, std::move(callback)}));
  return {this, id};
}

Poller::Handle Poller::at(Clock::time_point at, std::function<void()> callback) {
  const std::uint64_t id = next_id_++;
  timers_.emplace(id, std::make_shared<Timer>(Timer{at, std::move(callback)}));
  return {this, id};
}

Poller::Handle Poller::after(Clock::duration delay, std::function<void()> callback) {
  return at(Deadline::after(delay).at(), std::move(callback));
}

void Poller::drop(std::uint64_t id) {
  watches_.erase(id);
  timers_.erase(id);
}

void Poller::fire_timers() {
  const Clock::time_point now = Clock::now();
  std::vector<std::pair<std::uint64_t, std::shared_ptr<Timer>>> due;
  for (const auto& [id, timer] : timers_)
    if (timer->at <= now) due.emplace_back(id, timer);
  std::sort(due.begin(), due.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second->at, a.first) < std::pair(b.second->at, b.first);
  });
  for (const auto& [id, timer] : due) {
    // An earlier callback of this turn may have dropped it.
    if (timers_.erase(id) != 0) timer->callback();
  }
}

Result<void> Poller::turn(Deadline deadline) {
  std::vector<pollfd> fds;
  std::vector<std::uint64_t> ids;
  for (const auto& [id, watch] : watches_) {
    fds.push_back({watch->fd, watch->events, 0});
    ids.push_back(id);
  }
  for (const auto& [id, timer] : timers_) deadline = deadline.earliest(Deadline(timer->at));
  const int n = ::poll(fds.data(), fds.size(), deadline.poll_timeout());
  if (n < 0 && errno != EINTR) return sys_error("poll");
  for (std::size_t i = 0; n > 0 && i < fds.size(); ++i) {
    if (fds[i].revents == 0) continue;
    const auto found = watches_.find(ids[i]);
    if (found == watches_.end()) continue;
    const std::shared_ptr<Watch> watch = found->second;
    watch->callback(fds[i].revents);
  }
  fire_timers();
  return {};
}

Result<void> Poller::run() {
  stopped_ = false;
  while (!stopped_) TRY(turn());
  return {};
}

Result<SignalFd> SignalFd::create(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  return create(set);
}

Result<SignalFd> SignalFd::create_for_all() {
  sigset_t set;
  ::sigfillset(&set);
  return create(set);
}

Result<SignalFd> SignalFd::create(const sigset_t& set) {
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return sys_error("sigmask");
  SignalFd out;
  out.fd_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!out.fd_) return sys_error("signalfd");
  return out;
}

int SignalFd::next() const {
  signalfd_siginfo info;
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace podpilot
