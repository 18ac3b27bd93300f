// SPDX-License-Identifier: Apache-2.0
#include "agent/job/state.h"

#include <utility>

namespace podpilot::agent {
namespace {

Transition stay(JobState state) {
  return {state, {}};
}

Transition go(JobState state, Phase phase, std::vector<Action> actions) {
  state.phase = phase;
  return {state, std::move(actions)};
}

// The payload is over, or never was: tell the scheduler, unless it let the job go.
Transition conclude(JobState state, bool ran, std::vector<Action> actions = {}) {
  const auto then = [&](Phase phase, Action action) {
    actions.push_back(action);
    return go(state, phase, std::move(actions));
  };
  if (state.cause == StopCause::released) return then(Phase::cleaning, Action::clean);
  if (!state.in_contact) return go(state, Phase::waiting, std::move(actions));
  if (ran && state.outputs_wanted) return then(Phase::sending, Action::send_outputs);
  return then(Phase::finishing, Action::finish);
}

Transition end_before_run(JobState state) {
  return conclude(state, false, {Action::abandon});
}

void note(JobState& state, StopCause cause) {
  if (state.cause == StopCause::none || cause == StopCause::released) state.cause = cause;
}

Transition prepare(JobState state, Event event) {
  if (event == Event::image_ready) state.image_ready = true;
  if (event == Event::inputs_ready) state.inputs_ready = true;
  if (state.image_ready && state.inputs_ready) return go(state, Phase::starting, {Action::launch});
  return stay(state);
}

Transition stop_payload(JobState state, Event event) {
  const bool soft = event == Event::stop_soft || event == Event::time_limit;
  note(state, event == Event::time_limit   ? StopCause::time_limit
              : event == Event::over_limit ? StopCause::over_limit
              : event == Event::release    ? StopCause::released
                                           : StopCause::asked);
  if (event == Event::stop_hard) state.outputs_wanted = false;
  // A frozen process does not see SIGTERM: what is suspended is thawed first.
  std::vector<Action> actions;
  if (soft && std::exchange(state.suspended, false)) actions.push_back(Action::thaw);
  actions.push_back(soft ? Action::terminate : Action::kill);
  return go(state, soft ? Phase::stopping : Phase::killing, std::move(actions));
}

Transition before_run(JobState state, Event event) {
  switch (event) {
    case Event::described:
      return go(state, Phase::preparing, {Action::prepare});
    case Event::image_ready:
    case Event::inputs_ready:
      return prepare(state, event);
    case Event::describe_failed:
    case Event::image_failed:
    case Event::inputs_failed:
      return end_before_run(state);
    case Event::stop_soft:
    case Event::stop_hard:
    case Event::stop_done:
      note(state, StopCause::asked);
      return end_before_run(state);
    case Event::release:
      note(state, StopCause::released);
      return end_before_run(state);
    case Event::suspend:  // counts once there is a payload
    case Event::resume:
      state.suspended = event == Event::suspend;
      return stay(state);
    default:
      return stay(state);
  }
}

Transition while_running(JobState state, Event event) {
  switch (event) {
    case Event::payload_started:
      if (state.phase != Phase::starting) return stay(state);
      if (state.suspended)
        return go(state, Phase::running, {Action::report_running, Action::freeze});
      return go(state, Phase::running, {Action::report_running});
    case Event::sandbox_gone:
      return conclude(state, state.phase != Phase::starting);
    case Event::time_limit:
    case Event::stop_soft:
      return state.phase == Phase::running || state.phase == Phase::starting
                 ? stop_payload(state, event)
                 : stay(state);
    case Event::over_limit:
    case Event::stop_hard:
    case Event::release:
    case Event::grace_over: {
      if (state.phase == Phase::killing) {  // already under way: only what follows may change
        if (event == Event::release) note(state, StopCause::released);
        if (event == Event::stop_hard) state.outputs_wanted = false;
        return stay(state);
      }
      return event == Event::grace_over && state.phase != Phase::stopping
                 ? stay(state)
                 : stop_payload(state, event);
    }
    case Event::kill_overdue:
      return state.phase == Phase::killing ? Transition{state, {Action::kill_now}} : stay(state);
    case Event::suspend:
      if (state.phase != Phase::running && state.phase != Phase::starting) return stay(state);
      if (std::exchange(state.suspended, true) || state.phase == Phase::starting)
        return stay(state);
      return {state, {Action::freeze}};
    case Event::resume:
      if (!std::exchange(state.suspended, false) || state.phase == Phase::starting)
        return stay(state);
      return {state, {Action::thaw}};
    default:
      return stay(state);
  }
}

Transition after_run(JobState state, Event event) {
  switch (event) {
    case Event::contact_back:
      return state.phase == Phase::waiting ? conclude(state, true) : stay(state);
    case Event::outputs_sent:
    case Event::outputs_failed:
      return state.phase == Phase::sending ? go(state, Phase::finishing, {Action::finish})
                                           : stay(state);
    case Event::finished:
      return state.phase == Phase::finishing ? go(state, Phase::cleaning, {Action::clean})
                                             : stay(state);
    case Event::stop_hard:
      if (state.phase != Phase::sending) return stay(state);
      return go(state, Phase::finishing, {Action::abandon, Action::finish});
    case Event::release:
      if (state.phase == Phase::cleaning || state.phase == Phase::over) return stay(state);
      note(state, StopCause::released);
      return go(state, Phase::cleaning, {Action::abandon, Action::clean});
    case Event::cleaned:
      return state.phase == Phase::cleaning ? go(state, Phase::over, {Action::tell_over})
                                            : stay(state);
    default:
      return stay(state);
  }
}

}  // namespace

Transition transition(JobState state, Event event) {
  if (event == Event::contact_lost) state.in_contact = false;
  if (event == Event::contact_back) state.in_contact = true;
  switch (state.phase) {
    case Phase::describing:
    case Phase::preparing:
      return before_run(state, event);
    case Phase::starting:
    case Phase::running:
    case Phase::stopping:
    case Phase::killing:
      return while_running(state, event);
    default:
      return after_run(state, event);
  }
}

std::string_view to_string(Phase phase) {
  constexpr std::string_view kNames[] = {"describing", "preparing", "starting", "running",
                                         "stopping",   "killing",   "waiting",  "sending",
                                         "finishing",  "cleaning",  "over"};
  return kNames[static_cast<std::size_t>(phase)];
}

std::string_view to_string(Event event) {
  constexpr std::string_view kNames[] = {
      "described",     "describe_failed", "image_ready",  "image_failed", "inputs_ready",
      "inputs_failed", "payload_started", "sandbox_gone", "time_limit",   "over_limit",
      "grace_over",    "kill_overdue",    "stop_soft",    "stop_hard",    "stop_done",
      "release",       "suspend",         "resume",       "contact_lost", "contact_back",
      "outputs_sent",  "outputs_failed",  "finished",     "cleaned"};
  return kNames[static_cast<std::size_t>(event)];
}

}  // namespace podpilot::agent
