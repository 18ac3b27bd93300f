// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/dialogue/ccb.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <utility>

#include "agent/scheduler/htcondor/cedar/commands.h"
#include "agent/scheduler/htcondor/dialogue/ccb_message.h"
#include "sandbox/base/errno.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr int kHeartbeatsMissed = 3;

Result<void> send_ad(Stream& stream, const LiteralAd& ad, Deadline deadline) {
  MessageWriter message = stream.writer();
  put_literal_ad(message, ad);
  return stream.send(message, deadline);
}

Result<LiteralAd> receive_ad(Stream& stream, Deadline deadline) {
  MessageReader message = TRY(stream.receive(kMaxSmallMessage, deadline));
  return get_literal_ad(message);
}

// What a peer that waits for us gets to hear first, in clear.
Result<Stream> reverse_connect(const CcbRequest& request, Deadline deadline, BorrowedFd stop) {
  const Sinful peer = TRY(parse_sinful(request.address));
  Stream stream = TRY(Stream::dial(peer, deadline, stop));
  MessageWriter message = stream.writer();
  message.integer(static_cast<int>(Command::ccb_reverse_connect));
  put_literal_ad(message, connect_ad(request));
  TRY(stream.send(message, deadline));
  stream.reset_digests();
  return stream;
}

}  // namespace

struct CcbListener::Shared {
  Security& security;
  const CcbOptions options;
  const CcbHandlers handlers;
  const BorrowedFd stop;

  mutable std::mutex mutex;
  std::condition_variable ended;
  std::vector<std::string> contacts;  // by broker; guarded by mutex, as is what follows
  std::size_t connections = 0;        // threads

  bool stopped() const {
    pollfd watched{stop.get(), POLLIN, 0};
    return stop && ::poll(&watched, 1, 0) > 0;
  }
  bool take_place() {
    const std::lock_guard lock(mutex);
    if (connections >= options.connections) return false;
    ++connections;
    return true;
  }
  void give_place_back() {
    const std::lock_guard lock(mutex);
    --connections;
    ended.notify_all();
  }
  std::vector<std::string> given() const {
    const std::lock_guard lock(mutex);
    std::vector<std::string> out;
    for (const std::string& contact : contacts)
      if (!contact.empty()) out.push_back(contact);
    return out;
  }
};

namespace {

// Results of connections, which come from their threads and go to the broker on another.
class Reports {
 public:
  Reports() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  BorrowedFd fd() const { return wake_; }
  void add(LiteralAd report) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(report));
    ::eventfd_write(wake_.get(), 1);
  }
  std::vector<LiteralAd> take() {
    const std::lock_guard lock(mutex_);
    eventfd_t count = 0;
    ::eventfd_read(wake_.get(), &count);
    return std::exchange(waiting_, {});
  }

 private:
  UniqueFd wake_;
  std::mutex mutex_;
  std::vector<LiteralAd> waiting_;
};

}  // namespace

// One broker, on a thread of its own.
class CcbListener::Registration {
 public:
  Registration(Shared& shared, Sinful broker, std::size_t index)
      : shared_(shared), broker_(std::move(broker)), index_(index) {}

  void run() {
    while (!shared_.stopped()) {
      const auto served = serve();
      if (shared_.stopped()) return;
      if (!served && shared_.handlers.trouble) shared_.handlers.trouble(broker_, served.error());
      pollfd watched{shared_.stop.get(), POLLIN, 0};
      ::poll(&watched, 1, Deadline::after(shared_.options.retry).poll_timeout());
    }
  }

 private:
  Deadline soon() const { return Deadline::after(shared_.options.dial); }

  // Until the connection to the broker ends.
  Result<void> serve() {
    Stream stream =
        TRY(shared_.security.fresh_command(broker_, Command::ccb_register, soon(), shared_.stop));
    TRY(send_ad(stream, registration_ad(registration_, shared_.options.name), soon()));
    const LiteralAd answer = TRY(receive_ad(stream, soon()));
    registration_ = TRY(parse_registration(answer));
    announce();
    auto ended = listen(stream).within("broker " + brief(broker_));
    // A broker that closed is a broker that was lost.
    if (!ended && ended.error().fault == Fault::not_found) ended.error().fault = Fault::transient;
    return ended;
  }

  void announce() {
    {
      const std::lock_guard lock(shared_.mutex);
      if (shared_.contacts[index_] == registration_.contact) return;
      shared_.contacts[index_] = registration_.contact;
    }
    if (shared_.handlers.contacts) shared_.handlers.contacts(shared_.given());
  }

  Result<void> listen(Stream& stream) {
    const auto beat = shared_.options.heartbeat;
    auto heard = Clock::now();
    auto next_beat = heard + beat;
    for (;;) {
      pollfd watched[3] = {{stream.socket().get(), POLLIN, 0},
                           {reports_->fd().get(), POLLIN, 0},
                           {shared_.stop.get(), POLLIN, 0}};
      if (::poll(watched, 3, Deadline(next_beat).poll_timeout()) < 0 && errno != EINTR)
        return sys_error("poll");
      if (watched[2].revents != 0) return {};
      for (const LiteralAd& report : reports_->take()) TRY(send_ad(stream, report, soon()));
      if (watched[0].revents != 0) {
        const LiteralAd message = TRY(receive_ad(stream, soon()));
        heard = Clock::now();
        if (const auto request = parse_request(message)) start(*request);
      }
      const auto now = Clock::now();
      if (now - heard > kHeartbeatsMissed * beat) return Error{Fault::transient, "no sign of life"};
      if (now < next_beat) continue;
      TRY(send_ad(stream, heartbeat_ad(), soon()));
      next_beat = now + beat;
    }
  }

  void refuse(const CcbRequest& request, std::string why) {
    reports_->add(result_ad(request, Error{Fault::exhausted, std::move(why)}));
  }

  void start(const CcbRequest& request) {
    if (!shared_.take_place()) return refuse(request, "too many connections at once");
    try {
      std::thread([&shared = shared_, reports = reports_, request] {
        connect(shared, *reports, request);
        shared.give_place_back();
      }).detach();  // the listener's end waits for its place
    } catch (const std::system_error&) {
      shared_.give_place_back();
      refuse(request, "no more threads");
    }
  }

  static void connect(const Shared& shared, Reports& reports, const CcbRequest& request) {
    auto stream = reverse_connect(request, Deadline::after(shared.options.dial), shared.stop);
    reports.add(result_ad(request, stream ? Result<void>() : Result<void>(stream.error())));
    if (stream && !shared.stopped()) shared.handlers.connection(*std::move(stream));
  }

  Shared& shared_;
  const Sinful broker_;
  const std::size_t index_;
  CcbRegistration registration_;
  // Connections may outlive the registration that they came by.
  std::shared_ptr<Reports> reports_ = std::make_shared<Reports>();
};

CcbListener::CcbListener(Security& security, std::vector<Sinful> brokers, CcbOptions options,
                         CcbHandlers handlers, BorrowedFd stop)
    : shared_(new Shared{security, std::move(options), std::move(handlers), stop, {}, {}, {}, 0}) {
  shared_->contacts.resize(brokers.size());
  for (std::size_t i = 0; i < brokers.size(); ++i)
    threads_.emplace_back([shared = shared_.get(), broker = std::move(brokers[i]), i] {
      Registration(*shared, broker, i).run();
    });
}

CcbListener::~CcbListener() {
  threads_.clear();  // joins
  std::unique_lock lock(shared_->mutex);
  shared_->ended.wait(lock, [this] { return shared_->connections == 0; });
}

std::vector<std::string> CcbListener::contacts() const {
  return shared_->given();
}

}  // namespace podpilot::agent::htcondor
