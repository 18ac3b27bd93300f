// SPDX-License-Identifier: Apache-2.0
// The life of one job as a pure state machine: (state, event) -> (state, actions). engine.cc makes
// the events from the world and carries the actions out.
//
//   describing -> preparing -> starting -> running -> sending -> finishing -> cleaning -> over
//                                            |  ^stopping/killing: the end was asked for
//   A failure before the payload ran goes straight to finishing. A release skips sending and
//   finishing: nobody is left to be told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace podpilot::agent {

enum class Phase : std::uint8_t {
  describing,  // waiting for the final description
  preparing,   // image and inputs, side by side
  starting,    // the sandbox is being built
  running,
  stopping,   // asked to end, time to do so left
  killing,    // every process killed, waiting for the last
  waiting,    // the job ended while contact is lost: nothing can be sent yet
  sending,    // outputs
  finishing,  // the result
  cleaning,
  over,
};

enum class Event : std::uint8_t {
  described,
  describe_failed,
  image_ready,
  image_failed,
  inputs_ready,
  inputs_failed,
  payload_started,
  sandbox_gone,  // no process of it is left; how it ended was reported, or it was killed
  time_limit,    // the payload's
  over_limit,    // of memory, disk, CPU time or processes
  grace_over,    // of a soft stop or a time limit
  kill_overdue,  // pid 1 of the sandbox did not answer
  stop_soft,
  stop_hard,
  stop_done,  // the scheduler knows that the job ended
  release,
  suspend,
  resume,
  contact_lost,
  contact_back,
  outputs_sent,
  outputs_failed,
  finished,  // also where finishing failed: there is nobody else to tell
  cleaned,
};

enum class Action : std::uint8_t {
  prepare,  // start the pull and bring the inputs
  launch,
  report_running,  // tell the scheduler, arm the time limit
  terminate,       // SIGTERM to the payload, arm the grace
  kill,            // every process, arm the overdue timer
  kill_now,        // pid 1 itself
  freeze,
  thaw,
  send_outputs,
  abandon,  // the scheduler's transfers and the pull
  finish,
  clean,
  tell_over,
};

// Why the payload was made to end, the first reason counts.
enum class StopCause : std::uint8_t { none, asked, time_limit, over_limit, released };

struct JobState {
  Phase phase = Phase::describing;
  StopCause cause = StopCause::none;
  bool image_ready = false;
  bool inputs_ready = false;
  bool outputs_wanted = true;  // not after a hard stop
  bool in_contact = true;
  bool suspended = false;

  bool operator==(const JobState&) const = default;
};

struct Transition {
  JobState next;
  std::vector<Action> actions;  // in this order
};

// Total: an event that means nothing in a phase changes nothing.
Transition transition(JobState state, Event event);

std::string_view to_string(Phase phase);
std::string_view to_string(Event event);

}  // namespace podpilot::agent
