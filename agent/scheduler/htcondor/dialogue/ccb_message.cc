// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/dialogue/ccb_message.h"

#include "agent/scheduler/htcondor/cedar/commands.h"

namespace podpilot::agent::htcondor {
namespace {

std::int64_t number(Command command) {
  return static_cast<int>(command);
}

}  // namespace

LiteralAd registration_ad(const CcbRegistration& previous, const std::string& name) {
  LiteralAd ad;
  ad.set("Command", number(Command::ccb_register)).set("Name", name);
  if (!previous.contact.empty()) ad.set("CCBID", previous.contact).set("ClaimId", previous.cookie);
  return ad;
}

Result<CcbRegistration> parse_registration(const LiteralAd& answer) {
  CcbRegistration given{answer.string("CCBID"), answer.string("ClaimId")};
  if (answer.integer("Command") != number(Command::ccb_register) || given.contact.empty())
    return Error{Fault::invalid, "a broker's answer without a contact"};
  // Several contacts are separated by spaces in an address.
  if (given.contact.find_first_of(" \t\r\n") != std::string::npos)
    return Error{Fault::invalid, "a broker's contact with a space in it"};
  return given;
}

LiteralAd heartbeat_ad() {
  return LiteralAd().set("Command", number(Command::alive));
}

std::optional<CcbRequest> parse_request(const LiteralAd& message) {
  if (message.integer("Command") != number(Command::ccb_request)) return std::nullopt;
  return CcbRequest{message.string("MyAddress"), message.string("ClaimId"),
                    message.string("RequestID")};
}

LiteralAd connect_ad(const CcbRequest& request) {
  LiteralAd ad;
  ad.set("ClaimId", request.connect_id).set("RequestID", request.request_id);
  ad.set("MyAddress", request.address);
  return ad;
}

LiteralAd result_ad(const CcbRequest& request, const Result<void>& result) {
  LiteralAd ad = connect_ad(request).set("Result", result.has_value());
  if (!result) ad.set("ErrorString", result.error().text);
  return ad;
}

}  // namespace podpilot::agent::htcondor
