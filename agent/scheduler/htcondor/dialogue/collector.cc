// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/dialogue/collector.h"

#include "agent/scheduler/htcondor/classad/wire.h"

namespace podpilot::agent::htcondor {
namespace {

Ad invalidation(std::string_view type, const std::string& name, const std::string& address) {
  Ad query;
  query.set("MyType", "Query");
  query.set("TargetType", type);
  query.set("Name", name);
  query.set("MyAddress", address);
  [[maybe_unused]] const auto set =
      query.set_expression("Requirements", "TARGET.Name == " + quoted(name));
  return query;
}

Result<void> send(Security& security, const Sinful& collector, Command command, const Ad& ad,
                  Deadline deadline, BorrowedFd stop) {
  Stream stream = TRY(security.command(collector, command, deadline, stop));
  MessageWriter message = stream.writer();
  put_ad(message, ad);
  return stream.send(message, deadline).within(brief(collector));
}

}  // namespace

Result<void> update_slot(Security& security, const Sinful& collector, const Ad& slot,
                         const Ad& secret, Deadline deadline, BorrowedFd stop) {
  // Not UPDATE_STARTD_AD_WITH_ACK: collectors read no private ad from that one, and the negotiator
  // then finds a slot without a claim id.
  Stream stream = TRY(security.command(collector, Command::update_startd_ad, deadline, stop));
  MessageWriter message = stream.writer();
  put_ad(message, slot);
  put_ad(message, secret);
  return stream.send(message, deadline).within(brief(collector));
}

Result<void> update_daemon(Security& security, const Sinful& collector, const Ad& daemon,
                           Deadline deadline, BorrowedFd stop) {
  return send(security, collector, Command::update_startd_ad, daemon, deadline, stop);
}

Result<void> invalidate_slot(Security& security, const Sinful& collector, const std::string& name,
                             const std::string& address, Deadline deadline, BorrowedFd stop) {
  return send(security, collector, Command::invalidate_startd_ads,
              invalidation("Machine", name, address), deadline, stop);
}

Result<void> invalidate_daemon(Security& security, const Sinful& collector, const std::string& name,
                               const std::string& address, Deadline deadline, BorrowedFd stop) {
  return send(security, collector, Command::invalidate_startd_ads,
              invalidation("StartD", name, address), deadline, stop);
}

}  // namespace podpilot::agent::htcondor
