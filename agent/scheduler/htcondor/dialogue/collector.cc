// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/dialogue/collector.h"

#include "agent/scheduler/htcondor/classad/wire.h"

namespace podpilot::agent::htcondor {

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

Result<void> invalidate_slot(Security& security, const Sinful& collector, const std::string& name,
                             const std::string& address, Deadline deadline, BorrowedFd stop) {
  Ad query;
  query.set("MyType", "Query");
  query.set("TargetType", "Machine");
  query.set("Name", name);
  query.set("MyAddress", address);
  TRY(query.set_expression("Requirements", "TARGET.Name == " + quoted(name)));
  Stream stream = TRY(security.command(collector, Command::invalidate_startd_ads, deadline, stop));
  MessageWriter message = stream.writer();
  put_ad(message, query);
  return stream.send(message, deadline).within(brief(collector));
}

}  // namespace podpilot::agent::htcondor
