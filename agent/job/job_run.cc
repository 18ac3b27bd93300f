// SPDX-License-Identifier: Apache-2.0
#include "agent/job/job_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "agent/job/launch.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/log.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"
#include "sandbox/idmap.h"
#include "sandbox/plan_transplant.h"

namespace podpilot::agent {
namespace {

constexpr std::chrono::milliseconds kKillOverdue{2000};
constexpr std::chrono::seconds kFirstUsage{5};
constexpr std::chrono::seconds kUsageEvery{30};

std::chrono::milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

// A sandbox that could not be built is the site's matter, whatever errno the kernel chose, but for
// a full disk and for an image whose tree or config it cannot be built from.
Error as_site_error(Error error) {
  if (error.fault != Fault::exhausted && error.fault != Fault::invalid)
    error.fault = Fault::unsupported;
  return error;
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
        outcome_.image_digest = image_->image.manifest.str();
        post(Event::image_ready);
      });
}

void JobRun::launch() {
  launched_at_ = Clock::now();
  pod_ = site_.pod;
  if (!site_.roots) return start({});
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
                       if (root && state_.phase == Phase::starting) return start(*root);
                       if (!root && state_.phase == Phase::starting)
                         fail(Origin::site, root.error());
                       post(Event::sandbox_gone);
                     });
  return {};
}

void JobRun::start(const JobRoot& root) {
  if (const Result<void> started = try_start(root); !started) post(Event::sandbox_gone);
}

Result<void> JobRun::try_start(const JobRoot& root) {
  const auto blame = [this](Origin origin, const Error& error) {
    fail(origin, error);
    return error;
  };
  if (site_.roots) {
    const Result<void> shown = sandbox::can_show(pod_.layout, root.names);
    image_unfit_ = !shown;
    if (!shown) return blame(Origin::site, shown.error());
  }
  // Where the pod's root has no such name the job's folder is seen where it is.
  const std::size_t slash = description_.scratch.find('/', 1);
  if (site_.roots && !description_.scratch.empty() &&
      !pod_.layout.find(description_.scratch.substr(1, slash - 1)))
    move_scratch(description_, folder_->files_path);
  Result<sandbox::Spec> spec = make_spec(image_->image, description_, *folder_, io_.terminal);
  if (!spec)  // an unknown user, or no command: of the job's own choice or of the image's
    return blame(description_.user.empty() ? Origin::image : Origin::payload,
                 {Fault::invalid, spec.error().text});
  tree_bytes_ = root.bytes;
  spec->root = root.path;
  spec->root_names = root.names;
  spec->writable_image = site_.writable_image;
  const Result<sandbox::Plan> plan = sandbox::make_plan(pod_, *spec);
  if (!plan)
    return blame(plan.error().fault == Fault::unsupported ? Origin::site : Origin::payload,
                 plan.error());

  UniqueFd in, out, err;
  sandbox::Stdio stdio{BorrowedFd(0), BorrowedFd(1), BorrowedFd(2)};
  if (!io_.inherit) {
    in.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!in) return blame(Origin::site, sys_error("open /dev/null"));
    Result<UniqueFd> stdout_file = output_file(kStdoutFile);
    Result<UniqueFd> stderr_file =
        output_file(description_.join_outputs ? kStdoutFile : kStderrFile);
    if (!stdout_file) return blame(Origin::site, stdout_file.error());
    if (!stderr_file) return blame(Origin::site, stderr_file.error());
    out = *std::move(stdout_file);
    err = *std::move(stderr_file);
    stdio = {in, out, err};
  }
  Result<sandbox::Sandbox> started = site_.launcher.launch(*plan, stdio);
  if (!started) return blame(Origin::site, as_site_error(std::move(started.error())));
  sandbox_ = *std::move(started);
  reports_ = site_.poller.watch(sandbox_->reports(), POLLIN, [this](short) { read_reports(); });
  ended_ = site_.poller.watch(sandbox_->ended(), POLLIN, [this](short) { sandbox_ended(); });
  return {};
}

Result<UniqueFd> JobRun::output_file(const char* name) {
  // O_APPEND: what the payload's processes write at the same time does not overwrite each other.
  return open_beneath(folder_->files, name, O_WRONLY | O_CREAT | O_APPEND | O_TRUNC, 0644);
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

void JobRun::judge_end() {
  using sandbox::ReportKind;
  if (last_report_ && last_report_->kind == ReportKind::failed)
    return fail(Origin::site, as_site_error(last_report_->error()));
  if (last_report_ && last_report_->kind == ReportKind::not_executed)
    return fail(Origin::payload, last_report_->error());
  if (last_report_) {
    outcome_.exit = ExitStatus::of_wait_status(last_report_->wait_status);
    outcome_.usage.user = std::chrono::microseconds(last_report_->user_us);
    outcome_.usage.system = std::chrono::microseconds(last_report_->system_us);
    outcome_.usage.max_rss = static_cast<std::uint64_t>(last_report_->max_rss_kib) * 1024;
    outcome_.usage.peak_memory = std::max(outcome_.usage.peak_memory, outcome_.usage.max_rss);
  }
  judge_limits();
  if (state_.cause == StopCause::time_limit)
    return fail(Origin::payload,
                {Fault::transient, fmt::format("ran longer than its time limit of {}",
                                               human_duration(description_.time_limit.value_or(
                                                   std::chrono::milliseconds(0))))});
  if (state_.cause != StopCause::none && state_.cause != StopCause::over_limit)
    return fail(Origin::payload, {Fault::internal, "stopped before it ended by itself"});
  if (!last_report_)
    fail(Origin::site,
         {Fault::transient, "the sandbox was killed from outside, perhaps for want of memory"});
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

bool JobRun::succeeded() const {
  if (!description_.success_exit_code) return true;
  return outcome_.exit && outcome_.exit->signal == 0 &&
         outcome_.exit->code == *description_.success_exit_code;
}

void JobRun::send_outputs() {
  SendOutputs which = SendOutputs::all;
  if (state_.cause == StopCause::asked)
    which = SendOutputs::evicted;
  else if (outcome_.verdict != Verdict::done || !succeeded())
    which = SendOutputs::failed;
  scheduler_.send_outputs(claim_, folder_->files, which,
                          then(Event::outputs_sent, Event::outputs_failed, Origin::scheduler));
}

void JobRun::finish() {
  if (outcome_.slug.empty() && !outcome_.exit)  // it was stopped before there was a payload
    fail(Origin::payload, {Fault::internal, "stopped before it began"});
  scheduler_.finish(claim_, outcome_, [this, alive = alive_](Result<void> finished) {
    if (!*alive) return;
    if (!finished)
      log::error("the result of a job could not be delivered",
                 {{"job", name_}, {"error", finished.error().text}});
    post(Event::finished);
  });
}

void JobRun::clean() {
  image_request_.reset();
  image_.reset();
  if (!folder_) return post(Event::cleaned);
  const auto discard = [this, alive = alive_] {
    if (!*alive) return;
    site_.scratch.discard(*std::exchange(folder_, std::nullopt), [this, alive] {
      if (*alive) post(Event::cleaned);
    });
  };
  if (site_.roots) return site_.roots->remove(*folder_, discard);
  discard();
}

void JobRun::fail(Origin origin, const Error& error) {
  fail(failure(origin, error));
}

void JobRun::fail(const Outcome& judged) {
  if (!outcome_.slug.empty()) return;  // the first reason counts
  outcome_.verdict = judged.verdict;
  outcome_.slug = judged.slug;
  outcome_.origin = judged.origin;
  outcome_.text = judged.text;
}

}  // namespace podpilot::agent
