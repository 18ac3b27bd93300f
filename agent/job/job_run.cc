// SPDX-License-Identifier: Apache-2.0
#include "agent/job/job_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "agent/job/sandbox_start.h"
#include "sandbox/base/log.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"
#include "sandbox/idmap.h"

namespace podpilot::agent {
namespace {

constexpr std::chrono::milliseconds kKillOverdue{2000};
constexpr std::chrono::seconds kFirstUsage{5};
constexpr std::chrono::seconds kUsageEvery{30};

std::chrono::milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

}  // namespace

JobRun::JobRun(Site& site, Scheduler& scheduler, ClaimId claim, std::string name, JobIo io,
               std::function<void()> over)
    : site_(site),
      scheduler_(scheduler),
      claim_(claim),
      name_(std::move(name)),
      io_(std::move(io)),
      over_(std::move(over)) {}

JobRun::~JobRun() {
  *alive_ = false;
  if (folder_) site_.scratch.discard(*std::move(folder_), [] {});
}

void JobRun::begin() {
  taken_at_ = Clock::now();
  scheduler_.describe(claim_, [this, alive = alive_](Result<JobDescription> description) {
    if (!*alive) return;
    if (description) {
      description_ = *std::move(description);
      if (description_.request.memory == 0) description_.request.memory = site_.memory_limit;
      if (description_.processes == 0) description_.processes = site_.process_limit;
      return post(Event::described);
    }
    fail(Origin::scheduler, description.error());
    post(Event::describe_failed);
  });
}

void JobRun::stop_soft(std::chrono::milliseconds grace) {
  soft_grace_ = grace;
  post(Event::stop_soft);
}

void JobRun::post(Event event) {
  pending_.push_back(event);
  if (dispatching_) return;
  const std::shared_ptr<bool> alive = alive_;
  dispatching_ = true;
  while (*alive && !pending_.empty()) {
    const Event next = pending_.front();
    pending_.pop_front();
    times_.note(next, Clock::now());
    const Phase before = state_.phase;
    Transition step = transition(state_, next);
    state_ = step.next;
    if (before != state_.phase)
      log::debug("job", {{"job", name_},
                         {"event", std::string(to_string(next))},
                         {"phase", std::string(to_string(state_.phase))}});
    for (const Action action : step.actions) {
      act(action);
      if (!*alive) return;
    }
  }
  dispatching_ = false;
}

void JobRun::act(Action action) {
  switch (action) {
    case Action::prepare:
      return prepare();
    case Action::launch:
      return launch();
    case Action::report_running:
      return report_running();
    case Action::terminate:
      return terminate();
    case Action::kill:
      return kill();
    case Action::kill_now:
      if (sandbox_) [[maybe_unused]]
        const auto sent = sandbox_->kill_now();
      return;
    case Action::freeze:
      if (sandbox_) [[maybe_unused]]
        const auto sent = sandbox_->suspend();
      return;
    case Action::thaw:
      if (sandbox_) [[maybe_unused]]
        const auto sent = sandbox_->resume();
      return;
    case Action::send_outputs:
      return send_outputs();
    case Action::abandon:
      image_request_.reset();
      return scheduler_.abandon(claim_);
    case Action::finish:
      return finish();
    case Action::clean:
      return clean();
    case Action::tell_over:
      return over_();
  }
}

Done JobRun::then(Event good, Event bad, Origin origin) {
  return [this, good, bad, origin, alive = alive_](Result<void> result) {
    if (!*alive) return;
    if (result) return post(good);
    fail(origin, result.error());
    post(bad);
  };
}

void JobRun::prepare() {
  Result<JobFolder> folder = site_.scratch.make_job();
  if (!folder) {
    fail(Origin::site, std::move(folder).within("scratch").error());
    return post(Event::image_failed);
  }
  folder_ = *std::move(folder);
  Done brought = then(Event::inputs_ready, Event::inputs_failed, Origin::scheduler);
  if (!description_.image_is_input) {
    if (site_.next) site_.next->begins(description_.image);
    request_image(description_.image);
    return scheduler_.bring_inputs(claim_, folder_->files, std::move(brought));
  }
  scheduler_.bring_inputs(
      claim_, folder_->files,
      [this, brought = std::move(brought), alive = alive_](Result<void> inputs) {
        if (!*alive) return;
        const bool there = inputs.has_value();
        brought(std::move(inputs));
        if (*alive && there) use_input_as_image();
      });
}

void JobRun::use_input_as_image() {
  const auto folder = open_beneath(folder_->files, description_.image, O_PATH | O_DIRECTORY);
  if (folder) return request_image(fmt::format("{}/{}", folder_->files_path, description_.image));
  fail(Origin::image, {Fault::not_found, fmt::format("no folder {} among the input files",
                                                     printable(description_.image))});
  post(Event::image_failed);
}

void JobRun::request_image(const std::string& reference) {
  ImageWish wish{.reference = reference,
                 .policy = description_.pull,
                 .login = std::exchange(description_.registry_login, {})};
  image_request_ =
      site_.images.request(wish, [this](std::expected<SuppliedImage, ImageFailure> image) {
        image_request_.reset();
        if (!image) {
          fail(image.error().origin, image.error().error);
          return post(Event::image_failed);
        }
        image_ = *std::move(image);
        outcome_.times.pull = image_->pull_time;
        pull_ = image_->pull;
        image_size_ = image_->image.size;
        const bool stored = !image_->image.lease.locks.empty();  // a folder has no manifest
        if (stored) outcome_.image_digest = image_->image.manifest.str();
        post(Event::image_ready);
      });
}

void JobRun::launch() {
  launched_at_ = Clock::now();
  pod_ = site_.pod;
  if (!site_.roots) return start(nullptr);
  if (const Result<void> begun = build_root(); !begun) {
    fail(Origin::site, begun.error());
    post(Event::sandbox_gone);
  }
}

// Of the next job's tree, where jobs have a uid of their own.
Result<std::optional<std::uint32_t>> JobRun::tree_owner() const {
  if (site_.pod.rung != sandbox::Rung::transplant_setuid) return std::optional<std::uint32_t>();
  const std::uint32_t id = TRY(sandbox::job_id(site_.next_id));
  return std::optional(id);
}

Result<void> JobRun::build_root() {
  const std::optional<std::uint32_t> owner = TRY(tree_owner());
  if (owner) pod_.job_id = *owner;
  ++site_.next_id;
  site_.roots->build(image_->image, *folder_, owner, stop_build_.get_token(),
                     [this, alive = alive_](Result<JobRoot> root) {
                       if (!*alive) return;
                       if (root && state_.phase == Phase::starting) return start(&*root);
                       if (!root && state_.phase == Phase::starting)
                         fail(Origin::site, root.error());
                       post(Event::sandbox_gone);
                     });
  return {};
}

void JobRun::start(const JobRoot* root) {
  if (const Result<void> made = make_cgroup(); !made) {
    fail(Origin::site, made.error());
    return post(Event::sandbox_gone);
  }
  auto started = start_sandbox({.launcher = site_.launcher,
                                .pod = pod_,
                                .image = image_->image,
                                .folder = *folder_,
                                .root = root,
                                .cgroup = cgroup_ ? cgroup_->folder() : BorrowedFd(),
                                .writable_image = site_.writable_image,
                                .inherit = io_.inherit,
                                .terminal = io_.terminal},
                               description_);
  if (!started) {
    image_unfit_ = started.error().unfit;
    fail(started.error().origin, started.error().error);
    return post(Event::sandbox_gone);
  }
  tree_bytes_ = root ? root->bytes : 0;
  sandbox_ = *std::move(started);
  reports_ = site_.poller.watch(sandbox_->reports(), POLLIN, [this](short) { read_reports(); });
  ended_ = site_.poller.watch(sandbox_->ended(), POLLIN, [this](short) { sandbox_ended(); });
}

void JobRun::read_reports() {
  for (;;) {
    Result<std::optional<sandbox::Received>> received =
        sandbox::receive_report(sandbox_->reports());
    if (!received) return reports_.reset();  // the end of the stream: sandbox_ended() follows
    if (!*received) return;
    const sandbox::Report& report = (*received)->report;
    switch (report.kind) {
      case sandbox::ReportKind::terminal:
        if (io_.on_terminal) io_.on_terminal(std::move((*received)->descriptor));
        break;
      case sandbox::ReportKind::memory:
        tmpfs_.push_back(std::move((*received)->descriptor));
        break;
      case sandbox::ReportKind::started:
        outcome_.times.start = since(launched_at_);
        started_at_ = Clock::now();
        post(Event::payload_started);
        break;
      default:
        last_report_ = report;
    }
  }
}

void JobRun::sandbox_ended() {
  read_reports();
  ended_.reset();
  reports_.reset();
  cgroup_events_.reset();
  usage_.reset();
  limit_.reset();
  grace_.reset();
  overdue_.reset();
  sandbox_.reset();
  tmpfs_.clear();
  if (site_.next) site_.next->ended();
  if (started_at_ != Clock::time_point()) outcome_.times.run = since(started_at_);
  if (!watch_) return measured({});
  watch_->finish([this](const JobFigures& peak) { measured(peak); });
}

// User and system time cannot be told apart from outside until the processes end.
void JobRun::report_usage_after(std::chrono::seconds delay) {
  usage_ = site_.poller.after(delay, [this] {
    const JobFigures now = watch_ ? watch_->now() : JobFigures{};
    Usage usage;
    usage.user = now.cpu_time;
    usage.peak_memory = now.memory;
    usage.disk = now.disk;
    scheduler_.usage(claim_, usage);
    report_usage_after(kUsageEvery);
  });
}

void JobRun::report_running() {
  scheduler_.executing(claim_, {.digest = outcome_.image_digest, .pull_time = outcome_.times.pull});
  watch();
  report_usage_after(kFirstUsage);
  const auto next_owner = tree_owner();
  if (site_.next && next_owner) site_.next->runs(description_.image, *next_owner);
  if (!description_.time_limit) return;
  limit_ = site_.poller.after(*description_.time_limit, [this] {
    soft_grace_ = site_.time_limit_grace;
    post(Event::time_limit);
  });
}

void JobRun::terminate() {
  signal(description_.stop_signal);
  const auto grace = std::min(soft_grace_, description_.stop_grace.value_or(soft_grace_));
  grace_ = site_.poller.after(grace, [this] { post(Event::grace_over); });
}

void JobRun::kill() {
  stop_build_.request_stop();
  if (!sandbox_) return;
  [[maybe_unused]] const auto sent = sandbox_->kill();
  overdue_ = site_.poller.after(kKillOverdue, [this] { post(Event::kill_overdue); });
}

void JobRun::signal(int signal) {
  if (sandbox_) [[maybe_unused]]
    const auto sent = sandbox_->signal(signal);
}

}  // namespace podpilot::agent
