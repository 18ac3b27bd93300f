// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <optional>

#include "agent/cli/commands.h"
#include "agent/cli/common.h"
#include "agent/cli/doctor_report.h"
#include "agent/cli/message.h"
#include "agent/cli/places.h"
#include "agent/cli/sandbox_options.h"
#include "agent/cli/scheduler_options.h"
#include "agent/doctor/diagnosis.h"
#include "agent/doctor/reach_checks.h"
#include "agent/doctor/resource_checks.h"
#include "agent/doctor/site_checks.h"
#include "agent/job/job_cgroup.h"
#include "oci/store/store.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"
#include "sandbox/call_service.h"
#include "sandbox/landlock.h"

namespace podpilot::agent {
namespace {

constexpr std::size_t kMaxResolvConf = 64 << 10;

Result<void> try_cache(const Options& options) {
  const oci::Store store = TRY(open_cache(options));
  return store.layout().writable();
}

Result<void> try_scratch(const std::string& path) {
  TRY(make_dirs(path, 0700));
  return {};
}

// Whose jobs a pilot here would take (Tenancy).
std::string_view users_of(sandbox::Rung rung, const Options& options) {
  return sandbox::serves_one_user(rung) && !options.has("share-between-users") ? "one" : "any";
}

// Every rung, whatever the better ones say; `best` becomes the best that fits.
std::vector<Finding> check_sandbox(sandbox::Launcher& launcher, const Options& options,
                                   const SandboxWish& wish, const PodFacts& facts,
                                   std::optional<sandbox::Rung>& best) {
  std::vector<Finding> findings;
  for (const sandbox::Rung tried : sandbox::kLadder) {
    const std::string name(to_string(tried));
    const Result<LockedTrial> locked =
        try_rung_alone(launcher, tried, scratch_folder(options), wish);
    if (!locked) {
      findings.push_back({name, Mark::note, "could not be tried: " + locked.error().text});
      continue;
    }
    const sandbox::Trial& trial = locked->trial;
    const std::string against = judge(trial, wish);
    if (!against.empty()) {
      findings.push_back({name, Mark::note, against, remedy_of(diagnose(trial, facts))});
      continue;
    }
    if (!best) best = tried;
    findings.push_back({name, Mark::good,
                        fmt::format("works, {} for all of it; gives {}; takes jobs of {} user",
                                    human_duration(trial.took),
                                    guarantees_of(tried, trial.pod.landlock_abi,
                                                  trial.pod.carries_out, trial.pod.holds_memory)
                                        .text(),
                                    users_of(tried, options))});
  }
  const int abi = sandbox::landlock_abi();
  const bool carries_out = sandbox::call_service_works();
  const sandbox::Guarantees had =
      best ? guarantees_of(*best, abi, carries_out, wish.holds_memory) : sandbox::Guarantees();
  for (std::size_t i = 0; i < findings.size(); ++i) {
    if (findings[i].mark == Mark::good) continue;
    if (!best) findings[i].mark = Mark::bad;
    findings[i].gains =
        had.missing(guarantees_of(sandbox::kLadder[i], abi, carries_out, wish.holds_memory)).text();
    // What is below the rung that will be used needs no mending.
    if (best && sandbox::kLadder[i] > *best) findings[i].remedy = {};
  }
  return findings;
}

Finding check_landlock() {
  const char* name = "landlock";
  const int abi = sandbox::landlock_abi();
  if (abi == 0)
    return {name, Mark::note, "not there: a pull is not shut in", remedy_of(Reason::landlock)};
  if (abi == 1)
    return {name, Mark::note, "ABI 1, too old: a pull is not shut in", remedy_of(Reason::landlock)};
  return {name, Mark::good, fmt::format("ABI {}", abi)};
}

Finding check_proc(const PodFacts& facts) {
  if (facts.masked_proc)
    return {"proc", Mark::note, "the pod's /proc is masked, jobs see it in place of their own",
            remedy_of(Reason::masked_proc)};
  return {"proc", Mark::good, "not masked, each job has one of its own"};
}

std::vector<Finding> check_reach(const Options& options) {
  std::vector<Finding> findings;
  RegistryCheck registry;
  if (options.has("image"))
    registry = check_registry(options.text("image"), credential_files(options));
  Finding resolver = judge_resolver(read_file("/etc/resolv.conf", kMaxResolvConf));
  if (!registry.resolves) {
    resolver.mark = Mark::bad;
    resolver.detail += ", which does not know the registry";
    resolver.remedy = remedy_of(Reason::resolver);
  }
  findings.push_back(std::move(resolver));
  findings.push_back(judge_trust(oci::http::find_trust()));
  findings.push_back(judge_clock(std::chrono::system_clock::now(), registry.date));
  for (Finding& finding : registry.findings) findings.push_back(std::move(finding));
  return findings;
}

Finding tell_cgroup(const Result<PodCgroup>& cgroup) {
  const char* name = "cgroup";
  if (!cgroup) return {name, Mark::note, "the watchdog alone holds limits: " + cgroup.error().text};
  return {name, Mark::good, fmt::format("each job has one, the kernel holds {}", cgroup->text())};
}

std::vector<Finding> examine(sandbox::Launcher& launcher, const Options& options, SandboxWish& wish,
                             const PodFacts& facts, std::optional<sandbox::Rung>& best) {
  const Result<PodCgroup> cgroup = PodCgroup::take();
  wish.holds_memory = cgroup.has_value();
  const std::string cache = cache_folder(options);
  const std::string scratch = scratch_folder(options);
  std::vector<Finding> findings = {judge_identity(facts)};
  findings.push_back(check_disk("cache", cache, try_cache(options)));
  findings.push_back(check_disk("scratch", scratch, try_scratch(scratch)));
  for (Finding& finding : check_sandbox(launcher, options, wish, facts, best))
    findings.push_back(std::move(finding));
  findings.push_back(check_landlock());
  if (best == sandbox::Rung::userns) findings.push_back(check_proc(facts));
  findings.push_back(tell_resources(scratch));
  findings.push_back(tell_cgroup(cgroup));
  if (!cgroup) findings.push_back(tell_memory_watch());
  for (Finding& finding : check_reach(options)) findings.push_back(std::move(finding));
  return findings;
}

void tell_rung(const Standing& standing, Diagnosis& out) {
  sandbox::Guarantees all;
  for (const sandbox::Guarantee guarantee : sandbox::kGuarantees) all.add(guarantee);
  out.rung = to_string(standing.rung);
  out.lacks = guarantees_of(standing.rung, standing.landlock_abi, standing.carries_out,
                            standing.holds_memory)
                  .missing(all)
                  .text();
  out.left_open = left_open(standing);
}

void check_scheduler(const SchedulerWish& wish, std::vector<Finding>& findings) {
  if (const auto* spool = std::get_if<SpoolWish>(&wish))
    return findings.push_back(check_spool(spool->folder));
  const CondorWish& condor = std::get<CondorWish>(wish);
  for (const htcondor::Sinful& collector : condor.collectors)
    findings.push_back(check_collector(collector, condor.tokens));
}

}  // namespace

int doctor_command(const Options& options) {
  Result<sandbox::Launcher> launcher = sandbox::Launcher::start();
  if (!launcher) return report_failure("doctor", Origin::pilot, launcher.error());
  Result<SandboxWish> wish = sandbox_wish(options);
  if (!wish) return report_usage("doctor", wish.error());
  std::optional<SchedulerWish> scheduler;
  if (options.has("scheduler")) {
    Result<SchedulerWish> named = scheduler_wish(options);
    if (!named) return report_usage("doctor", named.error());
    scheduler = *std::move(named);
    if (auto* spool = std::get_if<SpoolWish>(&*scheduler)) {
      spool->folder = absolute_path(spool->folder);
      wish->folders.push_back(spool->folder);
    }
  }
  std::optional<sandbox::Rung> best;
  Diagnosis out;
  const PodFacts facts = look_at_pod();
  out.findings = examine(*launcher, options, *wish, facts, best);
  out.ready = best.has_value();
  if (scheduler) check_scheduler(*scheduler, out.findings);
  for (const Finding& finding : out.findings) out.ready = out.ready && finding.mark != Mark::bad;
  if (best) {
    out.users = users_of(*best, options);
    tell_rung({.rung = *best,
               .landlock_abi = sandbox::landlock_abi(),
               .carries_out = sandbox::call_service_works(),
               .holds_memory = wish->holds_memory,
               .masked_proc = facts.masked_proc,
               .root_pilot = ::geteuid() == 0},
              out);
  }
  fmt::print("{}", options.has("json") ? as_json(out) : as_text(out));
  return out.ready ? 0 : 1;
}

}  // namespace podpilot::agent
