// SPDX-License-Identifier: Apache-2.0
// One job from its activation to the last trace of it: makes the state machine's events from the
// world and carries its actions out. Lives on the poll loop.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/job/event_times.h"
#include "agent/job/image_supplier.h"
#include "agent/job/job_cgroup.h"
#include "agent/job/next_root.h"
#include "agent/job/root_builder.h"
#include "agent/job/scratch.h"
#include "agent/job/state.h"
#include "agent/job/watchdog.h"
#include "agent/scheduler/scheduler.h"
#include "sandbox/base/poller.h"
#include "sandbox/launcher.h"

namespace podpilot::agent {

// What this pilot has for all its jobs. Outlives every JobRun.
struct Site {
  Poller& poller;
  sandbox::Launcher& launcher;
  ImageSupplier& images;
  Scratch& scratch;
  Watchdog& watchdog;
  // Between SIGTERM and SIGKILL at a time limit; a soft stop brings its own.
  std::chrono::milliseconds time_limit_grace{10'000};
  // Of jobs that say nothing themselves; 0: none.
  std::uint64_t memory_limit = 0;
  unsigned process_limit = 0;
  sandbox::Pod pod{};            // of the rung `userns` unless said
  RootBuilder* roots = nullptr;  // where the rung needs one
  NextRoot* next = nullptr;      // where there are jobs to come, and roots
  PodCgroup* cgroup = nullptr;   // where jobs can have groups of their own
  bool writable_image = false;   // see sandbox::Spec
  std::uint64_t next_id = 0;     // of jobs with a uid of their own (idmap.h)
};

// Where the payload's 0, 1 and 2 lead.
struct JobIo {
  bool inherit = false;   // the pilot's own, as for `podpilot run`; else files in the job's folder
  bool terminal = false;  // a terminal of the sandbox; its other end comes by on_terminal
  std::function<void(UniqueFd master)> on_terminal;
};

class JobRun {
 public:
  // `over` is called once, on the loop, when nothing of the job is left; it may destroy the JobRun.
  JobRun(Site& site, Scheduler& scheduler, ClaimId claim, std::string name, JobIo io,
         std::function<void()> over);
  ~JobRun();
  JobRun(const JobRun&) = delete;
  JobRun& operator=(const JobRun&) = delete;

  void begin();
  void stop_soft(std::chrono::milliseconds grace);
  void post(Event event);
  // To the payload, as it is; nothing happens while it does not run.
  void signal(int signal);

  const JobState& state() const { return state_; }
  const std::string& name() const { return name_; }
  const JobDescription& description() const { return description_; }
  // That nothing ran because the pod's root has no place for what the image has at its top.
  bool image_unfit() const { return image_unfit_; }
  // How it ended, when and with what image. Complete once it is over.
  const Outcome& outcome() const { return outcome_; }
  const EventTimes& times() const { return times_; }
  Clock::time_point taken_at() const { return taken_at_; }
  const std::optional<PullReady>& pull() const { return pull_; }
  std::uint64_t image_size() const { return image_size_; }
  BorrowedFd files() const { return folder_ ? BorrowedFd(folder_->files) : BorrowedFd(); }

 private:
  void act(Action action);
  void prepare();
  void request_image(const std::string& reference);
  void use_input_as_image();
  void launch();
  Result<std::optional<std::uint32_t>> tree_owner() const;
  Result<void> build_root();
  void start(const JobRoot* root);  // where the rung needs one
  void report_running();
  void report_usage_after(std::chrono::seconds delay);
  void terminate();
  void kill();
  void read_reports();
  void watch();
  Result<void> make_cgroup();
  void watch_cgroup();
  void over_limit(Excess excess, std::string text);
  void sandbox_ended();
  void measured(const JobFigures& peak);
  bool succeeded() const;  // as description_.success_exit_code says
  void send_outputs();
  void finish();
  void clean();
  void fail(Origin origin, const Error& error);
  void fail(const Outcome& judged);
  void judge_end();
  void judge_limits();
  Done then(Event good, Event bad, Origin origin);

  Site& site_;
  Scheduler& scheduler_;
  ClaimId claim_;
  std::string name_;
  JobIo io_;
  std::function<void()> over_;

  JobState state_;
  std::deque<Event> pending_;
  bool dispatching_ = false;

  JobDescription description_;
  std::optional<JobFolder> folder_;
  std::unique_ptr<ImageSupplier::Request> image_request_;
  std::optional<SuppliedImage> image_;
  bool image_unfit_ = false;
  sandbox::Pod pod_;
  std::stop_source stop_build_;
  Outcome outcome_;
  std::chrono::milliseconds soft_grace_{0};

  std::optional<JobCgroup> cgroup_;
  std::optional<sandbox::Sandbox> sandbox_;
  std::optional<sandbox::Report> last_report_;
  std::vector<UniqueFd> tmpfs_;
  std::uint64_t tree_bytes_ = 0;  // of a tree that was made for it
  std::unique_ptr<Watchdog::Watch> watch_;
  EventTimes times_;
  Clock::time_point taken_at_{};
  std::optional<PullReady> pull_;
  std::uint64_t image_size_ = 0;  // bytes on disk, where that is known
  Clock::time_point launched_at_{};
  Clock::time_point started_at_{};
  Poller::Handle cgroup_events_;
  Poller::Handle reports_;
  Poller::Handle ended_;
  Poller::Handle usage_;
  Poller::Handle limit_;
  Poller::Handle grace_;
  Poller::Handle overdue_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace podpilot::agent
