// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/run.h"

#include <fmt/format.h>
#include <poll.h>

#include <csignal>
#include <optional>
#include <random>

#include "agent/cli/commands.h"
#include "agent/cli/common.h"
#include "agent/cli/message.h"
#include "agent/cli/places.h"
#include "agent/cli/progress.h"
#include "agent/cli/run_options.h"
#include "agent/cli/sandbox_options.h"
#include "agent/cli/terminal.h"
#include "agent/job/job_cgroup.h"
#include "agent/job/job_run.h"
#include "agent/job/launch.h"
#include "agent/job/puller.h"
#include "agent/scheduler/single/single_job.h"
#include "sandbox/base/log.h"

namespace podpilot::agent {
namespace {

constexpr ClaimId kClaim = 1;

bool lacks_program(std::string_view slug) {
  return slug == judge(Origin::payload, Fault::not_found).slug ||
         slug == judge(Origin::payload, Fault::denied).slug;
}

// Owns what one run needs, in the order of its making.
class Run {
 public:
  Run(SingleRun run, SandboxWish wish, sandbox::Launcher launcher, SignalFd signals)
      : command_(run.command),
        options_(run.options),
        program_may_lack_(run.program_may_lack),
        wish_(std::move(wish)),
        launcher_(std::move(launcher)),
        signals_(std::move(signals)),
        watchdog_(poller_, Watchdog::Account::no),
        scheduler_(poller_, run.job, [this] { pass_held_signal(); }),
        job_(std::move(run.job)),
        terminal_(poller_) {}

  int execute() {
    if (const Result<void> opened = open(); !opened)
      return report_failure(command_, Origin::site, opened.error());
    if (options_.has("print-plan")) return print_plan();
    signal_watch_ = poller_.watch(signals_.fd(), POLLIN, [this](short) { on_signal(); });
    start_job();
    if (const Result<void> ran = poller_.run(); !ran)
      return report_failure(command_, Origin::pilot, ran.error());
    run_.reset();
    launcher_.retire();
    return conclude();
  }

 private:
  Result<void> open() {
    oci::Store store = TRY(open_cache(options_).within("cache"));
    store_.emplace(std::move(store));
    scratch_ =
        TRY(Scratch::open(poller_, scratch_folder(options_), Removal::at_once).within("scratch"));
    const std::vector<std::string> registries = TRY(pull_arguments(options_));
    progress_.emplace(job_.image, !options_.has("quiet"));
    puller_.emplace(poller_, *store_,
                    PullSettings{.cache = cache_folder(options_),
                                 .arguments = registries,
                                 .progress = [this](const LayerProgress& layer) {
                                   if (progress_) progress_->update(layer);
                                 }});
    if (job_.request.memory != 0 || job_.processes != 0 ||
        wish_.required.has(sandbox::Guarantee::memory)) {
      Result<PodCgroup> cgroup = PodCgroup::take();
      wish_.holds_memory = cgroup.has_value();
      log::debug("cgroup", {{"holds", cgroup ? cgroup->text() : cgroup.error().text}});
      if (cgroup) cgroup_.emplace(*std::move(cgroup));
    }
    choice_ = TRY(recall_or_choose_sandbox(launcher_, scratch_folder(options_), wish_));
    site_.emplace(poller_, launcher_, *puller_, *scratch_, watchdog_);
    site_->pod = choice_.pod;
    site_->cgroup = cgroup_ ? &*cgroup_ : nullptr;
    site_->next_id = std::random_device{}();
    site_->writable_image = options_.has("writable-image");
    if (!sandbox::uses_pod_root(choice_.pod.rung)) return {};
    roots_ = TRY(RootBuilder::create(poller_, *store_, site_->writable_image));
    site_->roots = roots_.get();
    return {};
  }

  void start_job() {
    JobIo io{.inherit = true, .terminal = options_.has("tty"), .on_terminal = {}};
    io.on_terminal = [this](UniqueFd master) {
      progress_.reset();
      terminal_.connect(std::move(master));
    };
    run_.emplace(*site_, scheduler_, kClaim, job_.name, std::move(io), [this] { poller_.stop(); });
    run_->begin();
  }

  void on_signal() {
    while (const int signal = signals_.next()) {
      if (signal == SIGWINCH && options_.has("tty")) {
        terminal_.resize();
        continue;
      }
      const Phase phase = run_->state().phase;
      if (phase == Phase::running || phase == Phase::stopping) {
        run_->signal(signal);
      } else if (signal == SIGWINCH || signal == SIGCONT) {
        continue;
      } else if (phase == Phase::starting && held_signal_ == 0) {
        held_signal_ = signal;
      } else {
        interrupted_by_ = signal;
        run_->post(Event::stop_hard);
      }
    }
  }

  // The payload may run, and have a handler, before its start is known here.
  void pass_held_signal() {
    if (held_signal_ != 0) run_->signal(held_signal_);
  }

  int conclude() {
    progress_.reset();
    if (interrupted_by_ != 0) return 128 + interrupted_by_;
    const std::optional<Outcome>& outcome = scheduler_.outcome();
    if (!outcome)
      return report_failure(command_, Origin::pilot, {Fault::internal, "the job has no outcome"});
    if (outcome->slug.empty()) return outcome->exit->shell_code();
    if (program_may_lack_ && lacks_program(outcome->slug)) return 0;
    const Judgement& judgement = judgement_of(outcome->slug);
    report_line(command_, outcome->text, judgement.slug, judgement.remedy);
    return judgement.exit_code;
  }

  int print_plan() {
    std::optional<std::expected<SuppliedImage, ImageFailure>> supplied;
    const auto request = puller_->request(
        {.reference = job_.image, .policy = job_.pull, .login = {}}, [&](auto answer) {
          supplied.emplace(std::move(answer));
          poller_.stop();
        });
    if (const Result<void> ran = poller_.run(); !ran)
      return report_failure(command_, Origin::pilot, ran.error());
    if (!*supplied)
      return report_failure(command_, supplied->error().origin, supplied->error().error);
    const Result<JobFolder> folder = scratch_->make_job();
    if (!folder) return report_failure(command_, Origin::site, folder.error());
    Result<sandbox::Spec> spec = make_spec((*supplied)->image, job_, *folder, options_.has("tty"));
    if (!spec) return report_failure(command_, Origin::image, spec.error());
    if (roots_) {
      const Result<JobRoot> root = build_root((*supplied)->image, *folder);
      if (!root) return report_failure(command_, Origin::site, root.error());
      spec->root = root->path;
      spec->root_names = root->names;
      spec->writable_image = site_->writable_image;
    }
    const Result<sandbox::Plan> plan = sandbox::make_plan(choice_.pod, *spec);
    if (!plan) return report_failure(command_, Origin::payload, plan.error());
    fmt::print("{}", sandbox::describe(*plan));
    return 0;
  }

  Result<JobRoot> build_root(const oci::Image& image, const JobFolder& folder) {
    Result<JobRoot> root = Error{};
    roots_->build(image, folder, std::nullopt, std::stop_token(), [&](Result<JobRoot> built) {
      root = std::move(built);
      poller_.stop();
    });
    TRY(poller_.run());
    return root;
  }

  std::string_view command_;
  const Options& options_;
  bool program_may_lack_;
  SandboxWish wish_;
  Poller poller_;
  sandbox::Launcher launcher_;
  SignalFd signals_;
  Watchdog watchdog_;
  SingleJob scheduler_;
  JobDescription job_;
  TerminalRelay terminal_;
  std::optional<oci::Store> store_;
  std::unique_ptr<Scratch> scratch_;
  std::optional<ProgressBars> progress_;
  std::optional<Puller> puller_;
  SandboxChoice choice_;
  std::optional<PodCgroup> cgroup_;
  std::unique_ptr<RootBuilder> roots_;
  std::optional<Site> site_;
  std::optional<JobRun> run_;
  Poller::Handle signal_watch_;
  int interrupted_by_ = 0;
  int held_signal_ = 0;  // came while the sandbox started
};

}  // namespace

int run_once(SingleRun run) {
  const std::string_view command = run.command;
  const Result<SandboxWish> wish = sandbox_wish(run.options);
  if (!wish) return report_usage(command, wish.error());
  Result<sandbox::Launcher> launcher = sandbox::Launcher::start();
  if (!launcher) return report_failure(command, Origin::site, launcher.error());
  hide_process();
  Result<SignalFd> signals =
      SignalFd::create({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT});
  if (!signals) return report_failure(command, Origin::pilot, signals.error());
  return Run(std::move(run), *wish, *std::move(launcher), *std::move(signals)).execute();
}

int run_command(const Options& options) {
  constexpr const char* kCommand = "run";
  if (const Result<void> logging = configure_log(options, log::Level::warning); !logging)
    return report_usage(kCommand, logging.error());
  Result<JobDescription> job = describe_job(options);
  if (!job) return report_usage(kCommand, job.error());
  return run_once({.command = kCommand, .options = options, .job = *std::move(job)});
}

}  // namespace podpilot::agent
