// SPDX-License-Identifier: Apache-2.0
#include "agent/job/state.h"

#include "test/catch.h"

using namespace podpilot::agent;

namespace {

struct Step {
  Event event;
  Phase phase;
  std::vector<Action> actions;
};

JobState fly(const std::vector<Step>& steps, JobState state = {}) {
  for (const Step& step : steps) {
    INFO(to_string(step.event) << " in " << to_string(state.phase));
    const Transition done = transition(state, step.event);
    CHECK(to_string(done.next.phase) == to_string(step.phase));
    CHECK(done.actions == step.actions);
    state = done.next;
  }
  return state;
}

const std::vector<Step> kToRunning = {
    {Event::described, Phase::preparing, {Action::prepare}},
    {Event::inputs_ready, Phase::preparing, {}},
    {Event::image_ready, Phase::starting, {Action::launch}},
    {Event::payload_started, Phase::running, {Action::report_running}},
};

JobState running() {
  return fly(kToRunning);
}

const std::vector<Step> kToOver = {
    {Event::outputs_sent, Phase::finishing, {Action::finish}},
    {Event::finished, Phase::cleaning, {Action::clean}},
    {Event::cleaned, Phase::over, {Action::tell_over}},
};

}  // namespace

TEST_CASE("a job that goes well", "[agent][state]") {
  const JobState ended =
      fly({{Event::sandbox_gone, Phase::sending, {Action::send_outputs}}}, running());
  CHECK(fly(kToOver, ended).cause == StopCause::none);
}

TEST_CASE("a failure before the payload ran sends no outputs", "[agent][state]") {
  for (const Event event : {Event::image_failed, Event::inputs_failed}) {
    JobState state = fly({{Event::described, Phase::preparing, {Action::prepare}}});
    fly({{event, Phase::finishing, {Action::abandon, Action::finish}},
         {Event::finished, Phase::cleaning, {Action::clean}},
         {Event::cleaned, Phase::over, {Action::tell_over}}},
        state);
  }
  fly({{Event::describe_failed, Phase::finishing, {Action::abandon, Action::finish}}});
  JobState starting = fly({kToRunning.begin(), kToRunning.begin() + 3});
  fly({{Event::sandbox_gone, Phase::finishing, {Action::finish}}}, starting);
}

TEST_CASE("a time limit asks, then kills, and still sends what there is", "[agent][state]") {
  const JobState state = fly({{Event::time_limit, Phase::stopping, {Action::terminate}},
                              {Event::grace_over, Phase::killing, {Action::kill}},
                              {Event::kill_overdue, Phase::killing, {Action::kill_now}},
                              {Event::sandbox_gone, Phase::sending, {Action::send_outputs}}},
                             running());
  CHECK(state.cause == StopCause::time_limit);
}

TEST_CASE("over a limit kills at once, and still sends what there is", "[agent][state]") {
  const JobState state = fly({{Event::over_limit, Phase::killing, {Action::kill}},
                              {Event::over_limit, Phase::killing, {}},
                              {Event::sandbox_gone, Phase::sending, {Action::send_outputs}}},
                             running());
  CHECK(state.cause == StopCause::over_limit);
  JobState stopping = fly({{Event::stop_soft, Phase::stopping, {Action::terminate}},
                           {Event::over_limit, Phase::killing, {Action::kill}}},
                          running());
  CHECK(stopping.cause == StopCause::asked);
  fly({{Event::over_limit, Phase::describing, {}}});
}

TEST_CASE("the first cause of a stop counts, but for a release", "[agent][state]") {
  JobState state = fly({{Event::time_limit, Phase::stopping, {Action::terminate}},
                        {Event::stop_soft, Phase::stopping, {}},
                        {Event::stop_hard, Phase::killing, {Action::kill}}},
                       running());
  CHECK(state.cause == StopCause::time_limit);
  CHECK_FALSE(state.outputs_wanted);
  state = fly({{Event::release, Phase::killing, {}},
               {Event::sandbox_gone, Phase::cleaning, {Action::clean}},
               {Event::cleaned, Phase::over, {Action::tell_over}}},
              state);
  CHECK(state.cause == StopCause::released);
}

TEST_CASE("a hard stop wants no outputs, a soft one does", "[agent][state]") {
  fly({{Event::stop_hard, Phase::killing, {Action::kill}},
       {Event::sandbox_gone, Phase::finishing, {Action::finish}}},
      running());
  fly({{Event::stop_soft, Phase::stopping, {Action::terminate}},
       {Event::sandbox_gone, Phase::sending, {Action::send_outputs}}},
      running());
}

TEST_CASE("a stop during the pull abandons it", "[agent][state]") {
  for (const Event event : {Event::stop_soft, Event::stop_hard, Event::stop_done}) {
    const JobState pulling = fly({{Event::described, Phase::preparing, {Action::prepare}}});
    const JobState state =
        fly({{event, Phase::finishing, {Action::abandon, Action::finish}},
             {Event::image_ready, Phase::finishing, {}},  // what still arrives changes nothing
             {Event::finished, Phase::cleaning, {Action::clean}}},
            pulling);
    CHECK(state.cause == StopCause::asked);
  }
}

TEST_CASE("done does not kill what runs", "[agent][state]") {
  CHECK(fly({{Event::stop_done, Phase::running, {}}}, running()) == running());
}

TEST_CASE("a release tells nobody, wherever it comes", "[agent][state]") {
  fly({{Event::release, Phase::cleaning, {Action::abandon, Action::clean}}});
  const JobState sending =
      fly({{Event::sandbox_gone, Phase::sending, {Action::send_outputs}}}, running());
  fly({{Event::release, Phase::cleaning, {Action::abandon, Action::clean}},
       {Event::outputs_sent, Phase::cleaning, {}},
       {Event::release, Phase::cleaning, {}},
       {Event::cleaned, Phase::over, {Action::tell_over}},
       {Event::release, Phase::over, {}}},
      sending);
}

TEST_CASE("without contact the result waits", "[agent][state]") {
  fly({{Event::contact_lost, Phase::running, {}},
       {Event::sandbox_gone, Phase::waiting, {}},
       {Event::contact_back, Phase::sending, {Action::send_outputs}}},
      running());
  fly({{Event::contact_lost, Phase::running, {}},
       {Event::sandbox_gone, Phase::waiting, {}},
       {Event::release, Phase::cleaning, {Action::abandon, Action::clean}}},
      running());
  fly({{Event::contact_lost, Phase::running, {}}, {Event::contact_back, Phase::running, {}}},
      running());
}

TEST_CASE("what is frozen is thawed before it is asked to end", "[agent][state]") {
  fly({{Event::suspend, Phase::running, {Action::freeze}},
       {Event::suspend, Phase::running, {}},
       {Event::stop_soft, Phase::stopping, {Action::thaw, Action::terminate}}},
      running());
  fly({{Event::resume, Phase::running, {}},
       {Event::suspend, Phase::running, {Action::freeze}},
       {Event::resume, Phase::running, {Action::thaw}}},
      running());
}

TEST_CASE("what is suspended before it runs is frozen as it begins", "[agent][state]") {
  const JobState preparing = fly({kToRunning.begin(), kToRunning.begin() + 1});
  fly({{Event::suspend, Phase::preparing, {}},
       {Event::inputs_ready, Phase::preparing, {}},
       {Event::image_ready, Phase::starting, {Action::launch}},
       {Event::payload_started, Phase::running, {Action::report_running, Action::freeze}},
       {Event::resume, Phase::running, {Action::thaw}}},
      preparing);
  fly({{Event::suspend, Phase::preparing, {}},
       {Event::resume, Phase::preparing, {}},
       {Event::inputs_ready, Phase::preparing, {}},
       {Event::image_ready, Phase::starting, {Action::launch}},
       {Event::suspend, Phase::starting, {}},
       {Event::resume, Phase::starting, {}},
       {Event::payload_started, Phase::running, {Action::report_running}}},
      preparing);
}

TEST_CASE("a stop while the sandbox is being built ends the sandbox", "[agent][state]") {
  const JobState starting = fly({kToRunning.begin(), kToRunning.begin() + 3});
  fly({{Event::stop_hard, Phase::killing, {Action::kill}},
       {Event::payload_started, Phase::killing, {}},
       {Event::kill_overdue, Phase::killing, {Action::kill_now}},
       {Event::sandbox_gone, Phase::finishing, {Action::finish}}},
      starting);
}

TEST_CASE("the machine is total and over stays over", "[agent][state]") {
  for (int phase = 0; phase <= static_cast<int>(Phase::over); ++phase)
    for (int event = 0; event <= static_cast<int>(Event::cleaned); ++event) {
      JobState state;
      state.phase = static_cast<Phase>(phase);
      const Transition done = transition(state, static_cast<Event>(event));
      CHECK_FALSE(to_string(done.next.phase).empty());
      if (state.phase == Phase::over) {
        CHECK(done.next.phase == Phase::over);
        CHECK(done.actions.empty());
      }
    }
}
