// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/dialogue/shadow.h"

#include <fmt/format.h>

#include <utility>

#include "agent/scheduler/htcondor/classad/wire.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

// condor_utils/condor_event.h: ULOG_REMOTE_ERROR.
constexpr int kRemoteErrorEvent = 21;

// A closed channel may be mended by a reconnect, as a broken one.
Error lost(Error error, const char* name) {
  if (error.fault == Fault::not_found)
    error = {Fault::transient, "the shadow closed the connection"};
  return std::move(error).within(name);
}

// A line feed in it would end the schedd's record of the job.
std::string one_line(const std::string& text) {
  return printable(text);
}

}  // namespace

Shadow::Shadow(Stream channel, std::chrono::seconds patience)
    : channel_(std::move(channel)), patience_(patience) {}

MessageWriter Shadow::request(Syscall number) const {
  MessageWriter message = channel_.writer();
  message.integer(static_cast<int>(number));
  return message;
}

Result<MessageReader> Shadow::call(const MessageWriter& request, const char* name) {
  if (Result<void> sent = channel_.send(request, soon()); !sent)
    return lost(std::move(sent).error(), name);
  Result<MessageReader> reply = channel_.receive(kMaxAdMessage, soon());
  if (!reply) return lost(std::move(reply).error(), name);
  return reply;
}

Result<MessageReader> Shadow::ask(const MessageWriter& request, const char* name) {
  MessageReader reply = TRY(call(request, name));
  const std::int64_t value = TRY(reply.integer().within(name));
  if (value >= 0) return reply;
  const std::int64_t number = TRY(reply.integer().within(name));
  return Error{Fault::denied, fmt::format("{}: the shadow answered {}", name,
                                          errno_name(static_cast<int>(number)))};
}

Result<void> Shadow::tell(Syscall number, const Ad& ad, const char* name) {
  MessageWriter message = request(number);
  put_ad(message, ad);
  TRY(ask(message, name));
  return {};
}

Result<Ad> Shadow::job_info() {
  const char* name = "get_job_info";
  MessageReader reply = TRY(ask(request(Syscall::get_job_info), name));
  return get_ad(reply).within(name);
}

Result<void> Shadow::register_starter(const Ad& info) {
  return tell(Syscall::register_starter_info, info, "register_starter_info");
}

Result<SessionInfo> Shadow::session_info() {
  const char* name = "get_sec_session_info";
  MessageWriter message = request(Syscall::get_sec_session_info);
  // What we would want of the sessions' methods; the shadow's own choice is as good.
  message.string("").string("");
  MessageReader reply = TRY(ask(message, name));
  SessionInfo sessions;
  for (ExportedSession* session : {&sessions.reconnect, &sessions.transfer}) {
    session->id = TRY(reply.string().within(name));
    session->info = TRY(reply.string().within(name));
    std::string key = TRY(reply.string().within(name));
    session->key = oci::Secret(std::move(key));
  }
  return sessions;
}

Result<Ad> Shadow::docker_credentials() {
  const char* name = "get_docker_creds";
  MessageWriter message = request(Syscall::get_docker_creds);
  put_ad(message, Ad());
  MessageReader reply = TRY(call(message, name));
  Ad credentials = TRY(get_ad(reply).within(name));
  if (const auto why = credentials.string("HTCondorError"))
    return Error{Fault::denied, fmt::format("{}: {}", name, printable(*why))};
  return credentials;
}

Result<void> Shadow::begin_execution() {
  TRY(ask(request(Syscall::begin_execution), "begin_execution"));
  return {};
}

Result<void> Shadow::execution_ended() {
  const char* name = "event_notification";
  MessageWriter message = request(Syscall::event_notification);
  Ad event;
  event.set("EventType", "ActivationExecutionExit");
  put_ad(message, event);
  // The answer is a number below 0 also where all went well.
  TRY(call(message, name));
  return {};
}

Result<void> Shadow::update(const Ad& figures) {
  return tell(Syscall::register_job_info, figures, "register_job_info");
}

Result<void> Shadow::termination(const Ad& final_ad) {
  return tell(Syscall::job_termination, final_ad, "job_termination");
}

Result<void> Shadow::exit(int wait_status, ExitReason reason, const Ad& final_ad) {
  const char* name = "job_exit";
  MessageWriter message = request(Syscall::job_exit);
  message.integer(wait_status).integer(static_cast<int>(reason));
  put_ad(message, final_ad);
  if (Result<void> sent = channel_.send(message, soon()); !sent)
    return lost(std::move(sent).error(), name);
  Result<MessageReader> reply = channel_.receive(kMaxSmallMessage, soon());
  if (!reply && reply.error().fault == Fault::not_found) return {};
  if (!reply) return lost(std::move(reply).error(), name);
  const std::int64_t value = TRY(reply->integer().within(name));
  if (value < 0)
    return Error{Fault::denied, fmt::format("{}: the shadow answered {}", name, value)};
  return {};
}

Result<void> Shadow::log_event(const Ad& event) {
  MessageWriter message = request(Syscall::ulog);
  put_ad(message, event);
  if (Result<void> sent = channel_.send(message, soon()); !sent)
    return lost(std::move(sent).error(), "ulog");
  return {};
}

Result<void> Shadow::hold(const Reason& why, const std::string& slot) {
  Ad event;
  event.set("MyType", std::string_view("RemoteErrorEvent"));
  event.set("EventTypeNumber", kRemoteErrorEvent);
  event.set("Daemon", std::string_view("starter"));
  event.set("ExecuteHost", std::string_view(slot));
  event.set("ErrorMsg", std::string_view(one_line(why.text)));
  event.set("CriticalError", true);
  event.set("HoldReasonCode", static_cast<int>(why.code));
  event.set("HoldReasonSubCode", why.subcode);
  return log_event(event);
}

}  // namespace podpilot::agent::htcondor
