// SPDX-License-Identifier: Apache-2.0
// The poll loop of a process: descriptors and timers, each with a callback, on one thread.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "sandbox/base/deadline.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot {

// Not thread-safe; callbacks run on the thread of run() and may add and drop watches and timers,
// their own among them.
class Poller {
 public:
  // Ends its watch or timer when destroyed. Must not outlive the Poller.
  class Handle {
   public:
    Handle() = default;
    Handle(Handle&& other) noexcept
        : poller_(std::exchange(other.poller_, nullptr)), id_(other.id_) {}
    Handle& operator=(Handle&& other) noexcept {
      std::swap(poller_, other.poller_);
      std::swap(id_, other.id_);
      return *this;
    }
    ~Handle() { reset(); }
    void reset() {
      if (poller_) std::exchange(poller_, nullptr)->drop(id_);
    }
    explicit operator bool() const { return poller_ != nullptr; }

   private:
    friend class Poller;
    Handle(Poller* poller, std::uint64_t id) : poller_(poller), id_(id) {}
    Poller* poller_ = nullptr;
    std::uint64_t id_ = 0;
  };

  Poller() = default;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // `events` as in poll(2); the callback gets revents. Level-triggered.
  [[nodiscard]] Handle watch(BorrowedFd fd, short events, std::function<void(short)> callback);
  // Once, at or soon after `at`. The handle is spent then.
  [[nodiscard]] Handle at(Clock::time_point at, std::function<void()> callback);
  [[nodiscard]] Handle after(Clock::duration delay, std::function<void()> callback);

  // One turn: waits for the next event or timer (at most until `deadline`) and calls back.
  Result<void> turn(Deadline deadline = Deadline::never());
  // Turns until stop() is called from a callback.
  Result<void> run();
  void stop() { stopped_ = true; }

 private:
  struct Watch {
    int fd;
    short events;
    std::function<void(short)> callback;
  };
  struct Timer {
    Clock::time_point at;
    std::function<void()> callback;
  };
  void drop(std::uint64_t id);
  void fire_timers();

  std::uint64_t next_id_ = 1;
  // shared_ptr: a callback may drop its own entry while it runs.
  std::map<std::uint64_t, std::shared_ptr<Watch>> watches_;
  std::map<std::uint64_t, std::shared_ptr<Timer>> timers_;
  bool stopped_ = false;
};

// Blocks `signals` in this thread (call it before any other starts) and turns them into reads of
// a descriptor. They stay blocked.
class SignalFd {
 public:
  static Result<SignalFd> create(std::initializer_list<int> signals);
  static Result<SignalFd> create_for_all();  // but SIGKILL and SIGSTOP
  SignalFd(SignalFd&& other) noexcept = default;
  BorrowedFd fd() const { return fd_; }
  // The next pending signal, 0 if there is none.
  int next() const;

 private:
  static Result<SignalFd> create(const sigset_t& set);
  SignalFd() = default;
  UniqueFd fd_;
};

}  // namespace podpilot
