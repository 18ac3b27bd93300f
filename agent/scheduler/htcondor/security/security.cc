// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/security/security.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/scheduler/htcondor/security/negotiation.h"

namespace podpilot::agent::htcondor {

// Sessions that we made, by peer.
struct Security::Cache {
  std::multimap<std::string, NewSession> sessions;

  std::optional<Session> find(const std::string& peer, Command command) {
    const auto now = Clock::now();
    std::erase_if(sessions, [&](const auto& one) { return one.second.session.expires <= now; });
    const auto [first, last] = sessions.equal_range(peer);
    const auto found = std::find_if(first, last, [&](const auto& one) {
      return one.second.commands.contains(static_cast<int>(command));
    });
    return found == last ? std::nullopt : std::optional(found->second.session);
  }
  // A session that allows no more than the new one is of no further use.
  void add(const std::string& peer, NewSession made) {
    std::erase_if(sessions, [&](const auto& one) {
      return one.first == peer && std::ranges::includes(made.commands, one.second.commands);
    });
    sessions.emplace(peer, std::move(made));
  }
  void drop(const std::string& id) {
    std::erase_if(sessions, [&](const auto& one) { return one.second.session.id == id; });
  }
};

Security::Security(TokenSource tokens, SecurityOptions options)
    : tokens_(std::move(tokens)), options_(options), cache_(std::make_unique<Cache>()) {}

Security::~Security() = default;

Result<Stream> Security::fresh_command(const Sinful& peer, Command command, Deadline deadline,
                                       BorrowedFd stop) {
  Stream stream = TRY(Stream::dial(peer, deadline, stop));
  auto made = make_session(stream, peer, command, tokens_, options_.session_duration, deadline);
  if (!made) return std::move(made).error().within(brief(peer));
  const std::lock_guard lock(mutex_);
  cache_->add(brief(peer), *std::move(made));
  return stream;
}

Result<Stream> Security::command(const Sinful& peer, Command command, Deadline deadline,
                                 BorrowedFd stop) {
  std::optional<Session> session;
  {
    const std::lock_guard lock(mutex_);
    session = cache_->find(brief(peer), command);
  }
  if (session) {
    auto stream = this->command(peer, command, *session, deadline, stop);
    if (stream || stream.error().fault != Fault::not_found) return stream;
    const std::lock_guard lock(mutex_);
    cache_->drop(session->id);
  }
  return fresh_command(peer, command, deadline, stop);
}

Result<Stream> Security::command(const Sinful& peer, Command command, const Session& session,
                                 Deadline deadline, BorrowedFd stop) {
  auto stream = Stream::dial(peer, deadline, stop);
  // Fault::not_found says that the session is not known: a host that is not known is no such thing.
  if (!stream && stream.error().fault == Fault::not_found)
    return Error{Fault::transient, std::move(stream).error().text};
  if (!stream) return stream;
  auto resumed = resume_session(*stream, peer, command, session, deadline);
  if (!resumed) return std::move(resumed).error().within(brief(peer));
  return stream;
}

void Security::admit(Session session) {
  const std::lock_guard lock(mutex_);
  const std::string id = session.id;
  admitted_.insert_or_assign(id, std::move(session));
}

void Security::forget(const std::string& session_id) {
  const std::lock_guard lock(mutex_);
  admitted_.erase(session_id);
}

Result<Security::Inbound> Security::accept(Stream connected, Deadline deadline) {
  const auto find = [this](const std::string& id) -> std::optional<Session> {
    const std::lock_guard lock(mutex_);
    const auto found = admitted_.find(id);
    if (found == admitted_.end()) return std::nullopt;
    if (found->second.expires > Clock::now()) return found->second;
    admitted_.erase(found);
    return std::nullopt;
  };
  Resumed resumed = TRY(accept_session(connected, find, deadline));
  return Inbound{std::move(connected), resumed.command, std::move(resumed.session.id),
                 std::move(resumed.session.user)};
}

}  // namespace podpilot::agent::htcondor
