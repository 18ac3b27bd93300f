// SPDX-License-Identifier: Apache-2.0
#include "agent/mailbox.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <utility>

#include "sandbox/base/errno.h"

namespace podpilot::agent {

Result<std::unique_ptr<Mailbox>> Mailbox::create(Poller& poller) {
  std::unique_ptr<Mailbox> mailbox(new Mailbox);
  mailbox->wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!mailbox->wake_) return sys_error("eventfd");
  Mailbox* self = mailbox.get();
  mailbox->watch_ = poller.watch(self->wake_, POLLIN, [self](short) { self->deliver(); });
  return mailbox;
}

void Mailbox::leave(Call call) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  calls_.push_back(std::move(call));
  // The counter cannot overflow: deliver() resets it.
  ::eventfd_write(wake_.get(), 1);
}

void Mailbox::close() {
  std::deque<Call> dropped;  // after the lock is gone: what a call owns may leave another
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    calls_.swap(dropped);
  }
}

void Mailbox::deliver() {
  eventfd_t count = 0;
  ::eventfd_read(wake_.get(), &count);
  std::deque<Call> calls;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(calls_);
  }
  // A call may be the end of this mailbox.
  const std::shared_ptr<bool> alive = alive_;
  for (const Call& call : calls)
    if (*alive && call) call();
}

}  // namespace podpilot::agent
