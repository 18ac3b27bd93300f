// SPDX-License-Identifier: Apache-2.0
#include "agent/pilot.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <map>
#include <random>

#include "agent/cli/cache_goal.h"
#include "agent/cli/commands.h"
#include "agent/cli/common.h"
#include "agent/cli/message.h"
#include "agent/cli/places.h"
#include "agent/cli/sandbox_options.h"
#include "agent/cli/scheduler_options.h"
#include "agent/cli/termination_log.h"
#include "agent/job/cache_keeper.h"
#include "agent/job/job_cgroup.h"
#include "agent/job/puller.h"
#include "agent/metrics/telemetry.h"
#include "agent/resources.h"
#include "agent/version.h"
#include "sandbox/base/config_files.h"
#include "sandbox/base/text.h"
#include "sandbox/limits.h"

namespace podpilot::agent {
namespace {

// For thousands of pilots this is what a registry can answer; a job waits for it once, if at all.
constexpr std::chrono::seconds kFirstContact{2};
constexpr const char* kCommand = "pilot";

Result<PilotPolicy> make_policy(const Options& options, const sandbox::Pod& pod) {
  PilotPolicy policy;
  Resources& total = policy.offer.total;
  total = TRY(detect_resources(scratch_folder(options)));
  total.memory = lendable(total.memory);
  if (options.has("cpus")) {
    const std::uint64_t cpus = TRY(options.number("cpus"));
    total.cpus = static_cast<unsigned>(cpus);
  }
  if (options.has("memory")) total.memory = TRY(options.bytes("memory"));
  const bool single = sandbox::uses_pod_root(pod.rung);
  policy.offer.capacity = single ? 1 : std::max(1U, total.cpus);
  if (options.has("jobs")) {
    const std::uint64_t jobs = TRY(options.number("jobs"));
    policy.offer.capacity = static_cast<unsigned>(jobs);
  }
  if (single && policy.offer.capacity > 1)
    return Error{Fault::unsupported,
                 fmt::format("--jobs {}: this pod's sandbox ({}) runs one job at a time",
                             policy.offer.capacity, to_string(pod.rung))};
  if (total.cpus == 0 || policy.offer.capacity == 0)
    return Error{Fault::invalid, "--cpus and --jobs must be at least 1"};
  policy.offer.tenancy.one =
      sandbox::serves_one_user(pod.rung) && !options.has("share-between-users");
  policy.offer.attributes = {{"rung", std::string(to_string(pod.rung))},
                             {"users", policy.offer.tenancy.one ? "one" : "any"},
                             {"version", std::string(build_info().version)}};
  policy.end_when_exhausted = options.has("drain");
  if (options.has("idle-exit")) policy.idle_exit = TRY(options.duration("idle-exit"));
  if (options.has("accept-for")) policy.accept_for = TRY(options.duration("accept-for"));
  if (options.has("retirement")) policy.retirement = TRY(options.duration("retirement"));
  if (options.has("drain-for")) policy.drain_for = TRY(options.duration("drain-for"));
  policy.stop_grace = TRY(options.duration("grace"));
  return policy;
}

Message failed(const Error& error) {
  return failure_message(kCommand, Origin::site, error);
}

Message refused(const Error& error) {
  return error.fault == Fault::invalid ? pilot_usage_message(error) : failed(error);
}

// From the first job on its image decides what is at the paths below "/". /etc/resolv.conf and
// /etc/hosts are mounts where a kubelet made the pod, and so out of a job's reach, but not where
// another runtime did; and nobody changes them while the pod lives. So no exception is made.
// Where a container is not the first of its pod, HOME may lead to what the last job left: the
// runtime looks for it in /etc/passwd, which may be a volume's.
Result<void> fix_configuration(const Options& options, Scratch& scratch) {
  scratch.finish_sweep();
  ConfigFiles files = TRY(read_config_files(options));
  serve_config_files(std::move(files));
  return {};
}

Metrics make_metrics(const Options& options, const Offer& offer) {
  const std::string url = options.text("scheduler");
  std::map<std::string, std::string> labels = offer.attributes;
  labels.insert({{"revision", std::string(build_info().commit)},
                 {"name", pilot_name(options)},
                 {"scheduler", url.substr(0, url.find(':'))}});
  return Metrics(std::move(labels));
}

// None where nothing can be removed.
Result<std::unique_ptr<CacheKeeper>> keep_cache(Poller& poller, const Options& options,
                                                const oci::Store& store, Metrics& metrics) {
  oci::GcGoal goal = TRY(cache_goal(options, "cache-size", "cache-free"));
  if (!store.layout().writable()) return nullptr;
  return CacheKeeper::create(poller, store, std::move(goal), [&metrics](const auto& report) {
    metrics.cache_removed(report.images.size(), report.bytes_before - report.bytes_after);
  });
}

// None without --listen.
Result<std::unique_ptr<Telemetry>> serve_telemetry(Poller& poller, const Options& options,
                                                   Metrics& metrics, const oci::Store& store,
                                                   const Pilot& pilot) {
  if (!options.has("listen")) return nullptr;
  const ListenAddress address =
      TRY(parse_listen_address(options.text("listen")).within("--listen"));
  auto telemetry = TRY(Telemetry::start(poller, address, metrics, store.layout(), [&pilot] {
                         return pilot.view();
                       }).within("--listen"));
  log::info("probes and metrics are served", {{"port", fmt::format("{}", telemetry->port())}});
  return telemetry;
}

// How it ended: a line for a kubelet, which is for people too if something failed.
Message fly(const Options& options, sandbox::Launcher launcher, const SignalFd& signals,
            SchedulerWish scheduler_wish, SandboxWish wish) {
  const Clock::time_point began = Clock::now();
  Result<PodCgroup> cgroup = PodCgroup::take();
  wish.holds_memory = cgroup.has_value();
  Poller poller;
  Result<oci::Store> store = open_cache(options).within("cache");
  if (!store) return failed(store.error());
  const auto scratch =
      Scratch::open(poller, scratch_folder(options), Removal::on_thread).within("scratch");
  if (!scratch) return failed(scratch.error());
  const Result<std::vector<std::string>> registries = pull_arguments(options);
  if (!registries) return pilot_usage_message(registries.error());
  const Result<SandboxChoice> choice = choose_sandbox(launcher, scratch_folder(options), wish);
  if (!choice) return failed(choice.error());
  if (sandbox::uses_pod_root(choice->pod.rung))
    if (const Result<void> fixed = fix_configuration(options, **scratch); !fixed)
      return failed(fixed.error());
  Result<PilotPolicy> policy = make_policy(options, choice->pod);
  if (!policy) return pilot_usage_message(policy.error());

  Metrics metrics = make_metrics(options, policy->offer);
  const Result<std::unique_ptr<CacheKeeper>> keeper = keep_cache(poller, options, *store, metrics);
  if (!keeper) return refused(keeper.error());
  Puller puller(poller, *store,
                {.cache = cache_folder(options),
                 .arguments = *registries,
                 .progress = {},
                 .first_contact = kFirstContact,
                 .keeper = keeper->get()});
  Watchdog watchdog(poller, Watchdog::Account::yes);
  Site site{.poller = poller,
            .launcher = launcher,
            .images = puller,
            .scratch = **scratch,
            .watchdog = watchdog,
            .time_limit_grace = policy->stop_grace,
            .memory_limit = policy->offer.total.memory,
            .process_limit = 0,
            .pod = choice->pod,
            .roots = nullptr,
            .next = nullptr,
            .cgroup = cgroup ? &*cgroup : nullptr,
            .writable_image = options.has("writable-image"),
            .next_id = std::random_device{}()};
  if (options.has("pids-limit")) {
    const Result<unsigned> limit = count_option(options, "pids-limit");
    if (!limit) return pilot_usage_message(limit.error());
    site.process_limit = *limit;
  }
  std::unique_ptr<RootBuilder> roots;
  std::optional<NextRoot> next;
  if (sandbox::uses_pod_root(choice->pod.rung)) {
    Result<std::unique_ptr<RootBuilder>> created =
        RootBuilder::create(poller, *store, site.writable_image);
    if (!created) return failed(created.error());
    roots = *std::move(created);
    site.roots = roots.get();
    next.emplace(*roots, **scratch, *store);
    site.next = &*next;
  }
  const bool stops_at_signal = std::holds_alternative<CondorWish>(scheduler_wish);
  const Result<std::unique_ptr<Scheduler>> scheduler =
      make_scheduler(poller, options, std::move(scheduler_wish), choice->pod, policy->offer);
  if (!scheduler) return pilot_usage_message(scheduler.error());
  log::info("pilot starts", {{"version", std::string(build_info().version)},
                             {"scheduler", options.text("scheduler")},
                             {"cpus", fmt::format("{}", policy->offer.total.cpus)},
                             {"memory", human_bytes(policy->offer.total.memory)},
                             {"jobs", fmt::format("{}", policy->offer.capacity)},
                             {"rung", std::string(to_string(choice->pod.rung))},
                             {"cgroup", cgroup ? cgroup->text() : "none: " + cgroup.error().text},
                             {"users", policy->offer.attributes.at("users")}});
  metrics.spent(Spent::validation, Clock::now() - began, policy->offer.total.cpus);
  policy->stop_at_signal = stops_at_signal;
  if (stops_at_signal) policy->stop_reserve = stop_reserve(policy->stop_grace);
  Pilot pilot(site, **scheduler, *std::move(policy), &metrics);
  const auto telemetry = serve_telemetry(poller, options, metrics, *store, pilot);
  if (!telemetry) return refused(telemetry.error());
  const auto watch = poller.watch(signals.fd(), POLLIN, [&](short) {
    while (signals.next() != 0) pilot.interrupted();
  });
  if (const auto ended = pilot.run(); !ended)
    return failure_message(kCommand, ended.error().origin, ended.error().error);
  log::info("pilot ends", {{"why", std::string(pilot.ending())}});
  return {.exit_code = 0, .line = fmt::format("{}\n", pilot.ending())};
}

Message prepare_and_fly(const Options& options) {
  if (const Result<void> logging = configure_log(options, log::Level::info); !logging)
    return pilot_usage_message(logging.error());
  Result<SchedulerWish> scheduler = scheduler_wish(options);
  if (!scheduler) return pilot_usage_message(scheduler.error());
  Result<SandboxWish> wish = sandbox_wish(options);
  if (!wish) return pilot_usage_message(wish.error());
  if (const auto* spool = std::get_if<SpoolWish>(&*scheduler))
    wish->folders.push_back(absolute_path(spool->folder));
  Result<sandbox::Launcher> launcher = sandbox::Launcher::start();
  if (!launcher) return failed(launcher.error());
  hide_process();
  sandbox::raise_open_files();
  ::signal(SIGPIPE, SIG_IGN);
  const Result<SignalFd> signals = SignalFd::create({SIGINT, SIGTERM, SIGHUP});
  if (!signals) return failed(signals.error());
  return fly(options, *std::move(launcher), *signals, *std::move(scheduler), *wish);
}

}  // namespace

int pilot_command(const Options& options) {
  const TerminationLog log;
  const Message end = prepare_and_fly(options);
  log.write(end.line);
  return end.exit_code == 0 ? 0 : report(end);
}

}  // namespace podpilot::agent
