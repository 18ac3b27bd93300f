// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/reporter.h"

#include <poll.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "agent/scheduler/htcondor/dialogue/collector.h"
#include "sandbox/base/log.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::chrono::seconds kPatience{20};  // for one ad's update
constexpr std::chrono::seconds kFirstRetry{5};
constexpr std::chrono::seconds kLastRetry{120};

struct Told {
  std::string name;
  std::string address;
  bool slot;
};

}  // namespace

class Reporter::Collector {
 public:
  static Result<std::unique_ptr<Collector>> create(Poller& poller, Security& security,
                                                   Sinful address, BorrowedFd stop,
                                                   std::function<void()> refused) {
    std::unique_ptr<Collector> collector(
        new Collector(poller, security, std::move(address), stop, std::move(refused)));
    collector->worker_ = TRY(Worker::create(poller));
    return collector;
  }

  const Sinful& address() const { return address_; }
  const std::optional<Error>& refusal() const { return refusal_; }
  bool knows_us() const { return heard_ && last_error_.empty(); }
  const std::string& last_error() const { return last_error_; }

  void tell(const std::vector<Report>& reports) {
    waiting_ = reports;
    retry_timer_.reset();
    send_next();
  }

  // `gone` is called on the worker's thread.
  void take_all_back(Deadline deadline, std::function<void()> gone) {
    waiting_.reset();
    retry_timer_.reset();
    worker_->run([this, deadline, gone = std::move(gone)]() -> Worker::Task {
      for (const Told& one : std::exchange(told_, {}))
        if (!take_back(one, deadline)) break;
      gone();
      return nullptr;
    });
  }

 private:
  Collector(Poller& poller, Security& security, Sinful address, BorrowedFd stop,
            std::function<void()> refused)
      : poller_(poller),
        security_(security),
        address_(std::move(address)),
        stop_(stop),
        refused_(std::move(refused)) {}

  void send_next() {
    if (sending_ || !waiting_ || refusal_) return;
    sending_ = true;
    worker_->run([this, reports = *std::exchange(waiting_, std::nullopt)]() -> Worker::Task {
      Result<void> result = send(reports);
      return [this, reports, result = std::move(result)] { sent(reports, result); };
    });
  }

  // On the worker's thread, which alone uses told_.
  Result<void> send(const std::vector<Report>& reports) {
    for (const Told& before : told_)
      if (std::ranges::none_of(reports, [&](const auto& one) { return one.name == before.name; }))
        TRY(take_back(before, Deadline::after(kPatience)));
    told_.clear();
    for (const Report& one : reports) {
      told_.push_back({one.name, one.address, one.secret.has_value()});
      const Deadline deadline = Deadline::after(kPatience);
      TRY(one.secret ? update_slot(security_, address_, one.ad, *one.secret, deadline, stop_)
                     : update_daemon(security_, address_, one.ad, deadline, stop_));
    }
    return {};
  }

  Result<void> take_back(const Told& one, Deadline deadline) {
    return one.slot
               ? invalidate_slot(security_, address_, one.name, one.address, deadline, stop_)
               : invalidate_daemon(security_, address_, one.name, one.address, deadline, stop_);
  }

  void sent(const std::vector<Report>& reports, const Result<void>& result) {
    sending_ = false;
    if (result) {
      if (!last_error_.empty() || !heard_)
        log::info("collector: knows our slots", {{"collector", brief(address_)}});
      heard_ = true;
      last_error_.clear();
      retry_ = kFirstRetry;
      return send_next();
    }
    if (result.error().text != last_error_)
      log::warning("collector: cannot report our slots",
                   {{"collector", brief(address_)}, {"error", result.error().text}});
    last_error_ = result.error().text;
    if (result.error().fault == Fault::denied) {
      refusal_ = result.error();
      return refused_();
    }
    if (!waiting_) waiting_ = reports;
    retry_timer_ = poller_.after(retry_, [this] { send_next(); });
    retry_ = std::min(retry_ * 2, kLastRetry);
  }

  Poller& poller_;
  Security& security_;
  const Sinful address_;
  BorrowedFd stop_;
  std::function<void()> refused_;
  std::vector<Told> told_;  // of the thread
  std::optional<std::vector<Report>> waiting_;
  bool sending_ = false;
  bool heard_ = false;
  std::string last_error_;
  std::optional<Error> refusal_;
  std::chrono::seconds retry_ = kFirstRetry;
  Poller::Handle retry_timer_;
  std::unique_ptr<Worker> worker_;  // last: it ends before what it uses
};

Result<std::unique_ptr<Reporter>> Reporter::create(Poller& poller, Security& security,
                                                   const std::vector<Sinful>& collectors,
                                                   Refused refused) {
  std::unique_ptr<Reporter> reporter(new Reporter);
  reporter->stop_ = TRY(Stop::create());
  reporter->refused_ = std::move(refused);
  for (const Sinful& address : collectors) {
    std::unique_ptr<Collector> collector =
        TRY(Collector::create(poller, security, address, reporter->stop_->fd(),
                              [self = reporter.get()] { self->one_refused(); }));
    reporter->collectors_.push_back(std::move(collector));
  }
  return reporter;
}

Reporter::~Reporter() {
  stop_->raise();
}

void Reporter::tell(const std::vector<Report>& reports) {
  for (const auto& collector : collectors_) collector->tell(reports);
}

std::string Reporter::trouble() const {
  if (std::ranges::any_of(collectors_, [](const auto& one) { return one->knows_us(); })) return {};
  for (const auto& one : collectors_)
    if (!one->last_error().empty()) return one->last_error();
  return "no collector has answered yet";
}

void Reporter::one_refused() {
  if (!refused_ || std::ranges::any_of(collectors_, [](const auto& c) { return !c->refusal(); }))
    return;
  std::exchange(refused_, nullptr)(*collectors_.front()->refusal());
}

void Reporter::farewell(Deadline deadline) {
  std::mutex mutex;
  std::condition_variable all_gone;
  std::size_t left = collectors_.size();
  for (const auto& collector : collectors_)
    collector->take_all_back(deadline, [&] {
      const std::lock_guard lock(mutex);
      --left;
      all_gone.notify_one();
    });
  std::unique_lock lock(mutex);
  all_gone.wait_until(lock, deadline.at(), [&] { return left == 0; });
  if (left == 0) return;
  lock.unlock();
  stop_->raise();
  collectors_.clear();  // joins their threads, which use what is above
}

}  // namespace podpilot::agent::htcondor
