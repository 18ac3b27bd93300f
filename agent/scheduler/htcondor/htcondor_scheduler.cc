// SPDX-License-Identifier: Apache-2.0
// Joining a pool, telling it of our slots, and leaving; claims.cc has what peers ask for, jobs.cc
// what the pilot asks for.
#include "agent/scheduler/htcondor/htcondor_scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <utility>

#include "agent/jitter.h"
#include "sandbox/base/log.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::chrono::milliseconds kReportSoon{50};  // several changes at once are one report
constexpr std::chrono::seconds kFarewell{5};
constexpr int kMissedReports = 3;               // after which collectors forget a slot
constexpr std::int64_t kUnlimited = INT32_MAX;  // seconds, as startds say it

}  // namespace

HtcondorScheduler::HtcondorScheduler(Poller& poller, CondorSettings settings)
    : poller_(poller),
      settings_(std::move(settings)),
      security_(settings_.tokens, {.session_duration = settings_.session_duration}) {
  settings_.facts.lifetime = (kMissedReports * settings_.report_every).count();
}

HtcondorScheduler::~HtcondorScheduler() {
  stop();
}

Result<void> HtcondorScheduler::start(const Offer& offer, PilotPort& port) {
  TRY(check_facts(settings_.facts));
  stop_ = TRY(Stop::create());
  loop_ = TRY(Mailbox::create(poller_));
  courier_ = TRY(Worker::create(poller_));
  reporter_ = TRY(Reporter::create(poller_, security_, settings_.collectors,
                                   [this](Error why) { port_->broken(std::move(why)); }));
  port_ = &port;
  offer_ = offer;
  journal_ = TRY(ClaimJournal::open(settings_.journal).within("journal of claims"));
  release_orphans();
  listener_ = std::make_unique<CcbListener>(
      security_, settings_.brokers.empty() ? settings_.collectors : settings_.brokers,
      CcbOptions{.name = settings_.facts.name},
      CcbHandlers{.contacts =
                      [this](std::vector<std::string> contacts) {
                        loop_->leave(
                            [this, contacts = std::move(contacts)] { contacts_changed(contacts); });
                      },
                  .connection =
                      [this](Stream connection) { serve(security_, *this, std::move(connection)); },
                  .trouble =
                      [this](const Sinful& broker, const Error& fault) {
                        loop_->leave([this, broker, fault] { broker_trouble(broker, fault); });
                      }},
      stop_->fd());
  return {};
}

void HtcondorScheduler::broker_trouble(const Sinful& broker, const Error& fault) {
  log::warning("condor: no way in through a broker",
               {{"broker", brief(broker)}, {"error", fault.text}});
  if (fault.fault == Fault::denied && !slots_) port_->broken(fault);
}

// The first contacts make us reachable: only then is there something to claim.
void HtcondorScheduler::contacts_changed(const std::vector<std::string>& contacts) {
  if (contacts.empty()) return;
  Sinful address;
  address.host = "0.0.0.0";
  address.port = 1;
  address.ccb_contacts = contacts;
  address.private_network = settings_.facts.name;
  address.alias = settings_.facts.machine;
  address.no_udp = true;
  settings_.facts.address = format(address);
  if (!slots_) {
    const auto mint = [this](std::span<const Command> commands = {}) {
      return mint_claim_id(settings_.facts.address, settings_.facts.started, ++minted_, commands);
    };
    const SecretClaimId admin_capability = mint(administrator_commands());
    Session session = session_of(admin_capability);
    admin_session_ = session.id;
    security_.admit(std::move(session));
    settings_.facts.admin_capability = admin_capability.reveal();
    slots_ = std::make_unique<Slots>(settings_.kind, settings_.facts.total, mint, unix_now());
    log::info("condor: reachable",
              {{"name", settings_.facts.name}, {"through", fmt::format("{}", contacts.front())}});
  }
  report();
}

void HtcondorScheduler::update(const Offer& offer) {
  offer_ = offer;
  report_soon();
}

bool HtcondorScheduler::accepting() const {
  return !draining() && offer_.claims < offer_.capacity && patience_.accepting(Clock::now());
}

// A pod that serves one user matches nobody else's jobs.
Facts HtcondorScheduler::facts() const {
  Facts facts = settings_.facts;
  const std::optional<std::string>& tenant = offer_.tenancy.submitter;
  if (offer_.tenancy.one && tenant)
    facts.start = fmt::format("({}) && TARGET.User == {}",
                              facts.start.empty() ? "true" : facts.start, quoted(*tenant));
  return facts;
}

// Peers can resume the sessions of these claim ids, and of no others.
void HtcondorScheduler::admit_claims() {
  std::vector<std::string> ids;
  for (const SecretClaimId& id : slots_->claim_ids()) {
    ids.push_back(id.session_id());
    if (std::ranges::find(admitted_, ids.back()) == admitted_.end())
      security_.admit(session_of(id));
  }
  for (const std::string& before : admitted_)
    if (std::ranges::find(ids, before) == ids.end()) security_.forget(before);
  admitted_ = std::move(ids);
}

SlotState HtcondorScheduler::state_of(const Claim* claim) const {
  SlotState state;
  state.kind = claim && claim->number != 0 ? SlotKind::dynamic : slots_->kind();
  state.now = unix_now();
  state.sequence = sequence_;
  state.vacate_time = settings_.vacate_time.count();
  state.retirement = settings_.retirement ? settings_.retirement->count() : kUnlimited;
  state.draining = draining();
  state.accepting = accepting();
  if (claim) {
    state.number = claim->number;
    state.total = state.free = claim->held;
    state.phase = claim->phase;
    state.activity = claim->activity;
    state.phase_since = claim->use.claim_started;
    state.activity_since = claim->activity_since;
    state.use = claim->use;
    // A claim is good for further jobs of its schedd, whatever we take from others.
    state.accepting = !state.draining;
    return state;
  }
  state.total = slots_->total();
  state.free = slots_->free();
  state.phase_since = state.activity_since = slots_->offered_since();
  if (drain_) {
    state.phase = SlotPhase::drained;
    state.activity = slots_->claims().empty() ? SlotActivity::idle : SlotActivity::retiring;
    state.phase_since = state.activity_since = drain_->since;
  }
  if (slots_->kind() != SlotKind::partitionable) return state;
  for (const auto& [id, child] : slots_->claims()) state.children.push_back(state_of(&child));
  return state;
}

Ad HtcondorScheduler::slot_of(const Claim* claim, Audience audience) const {
  return slot_ad(facts(), state_of(claim), audience);
}

std::vector<Report> HtcondorScheduler::reports() {
  std::vector<Report> reports;
  const Facts facts = this->facts();
  ++sequence_;
  reports.push_back({facts.name, facts.address, daemon_ad(facts, state_of(nullptr)), {}});
  const auto add = [&](const Claim* claim, const SecretClaimId& claim_id) {
    const SlotState state = state_of(claim);
    reports.push_back({slot_name(facts, state.kind, state.number), facts.address,
                       slot_ad(facts, state, Audience::collector),
                       private_ad(facts, state, claim_id.reveal())});
  };
  if (slots_->offered()) add(nullptr, *slots_->offered());
  for (const auto& [id, claim] : slots_->claims()) add(&claim, claim.claim_id);
  return reports;
}

void HtcondorScheduler::report_soon() {
  if (!slots_ || stopped_ || soon_) return;
  soon_ = poller_.after(kReportSoon, [this] { report(); });
}

void HtcondorScheduler::report() {
  soon_.reset();
  if (!slots_ || stopped_) return;
  admit_claims();
  reporter_->tell(reports());
  report_timer_ = poller_.after(jittered(settings_.report_every), [this] { report(); });
}

// To collectors and schedds, side by side.
void HtcondorScheduler::say_goodbye(Deadline deadline) {
  if (!slots_ || !reporter_ || !courier_) return;
  const auto schedds_know = std::make_shared<std::promise<void>>();
  std::future<void> known = schedds_know->get_future();
  courier_->run([schedds_know]() -> Worker::Task {
    schedds_know->set_value();
    return nullptr;
  });
  reporter_->farewell(deadline);
  known.wait_until(deadline.at());
}

// Nothing of ours may wait for a loop that no longer turns: first what asks it, then who talks.
void HtcondorScheduler::stop() {
  if (std::exchange(stopped_, true) || !stop_) return;
  report_timer_.reset();
  soon_.reset();
  patience_timer_.reset();
  retiring_.reset();
  for (auto& [id, claim] : held_) claim.job.reset();
  if (loop_) loop_->close();
  held_.clear();
  say_goodbye(Deadline::after(kFarewell));
  stop_->raise();
  listener_.reset();
  courier_.reset();
  reporter_.reset();
}

}  // namespace podpilot::agent::htcondor
