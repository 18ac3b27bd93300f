// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/scheduler_options.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "agent/cli/known_pools.h"
#include "agent/cli/places.h"
#include "agent/cli/run_options.h"
#include "agent/scheduler/htcondor/cedar/peer_version.h"
#include "agent/scheduler/htcondor/classad/text.h"
#include "agent/scheduler/htcondor/htcondor_scheduler.h"
#include "agent/scheduler/spool/spool_scheduler.h"
#include "agent/version.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/random.h"
#include "sandbox/base/text.h"
#include "sandbox/rung.h"

namespace podpilot::agent {
namespace {

using namespace htcondor;

constexpr std::string_view kSpoolScheme = "spool:";
constexpr std::string_view kCondorScheme = "htcondor://";
constexpr const char* kTokenVariable = "TOKEN";
constexpr std::size_t kMaxAttributesFile = 1u << 20;
constexpr std::size_t kRandomDigits = 10;

std::string host_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) return "podpilot";
  return host.data();
}

Result<SchedulerWish> condor_wish(const Options& options, std::string_view collectors) {
  CondorWish wish;
  KnownPool pool{.collectors = std::string(collectors), .brokers = "", .start = ""};
  const bool test = options.has("itb") && collectors == "ospool";
  if (auto known = known_pool(test ? "itb-ospool" : collectors, random_number()))
    pool = *std::move(known);
  if (options.has("ccb")) pool.brokers = options.text("ccb");
  wish.collectors = TRY(parse_sinful_list(pool.collectors).within("--scheduler"));
  if (!pool.brokers.empty()) wish.brokers = TRY(parse_sinful_list(pool.brokers).within("--ccb"));
  wish.start = std::move(pool.start);
  if (options.has("token-file")) {
    wish.tokens = TokenSource::from_path(options.text("token-file"));
    return SchedulerWish(std::move(wish));
  }
  Result<TokenSource> tokens = TokenSource::from_environment(kTokenVariable);
  if (!tokens)
    return Error{Fault::invalid, "--token-file is missing: by what does the pool know this pilot?"};
  wish.tokens = *std::move(tokens);
  return SchedulerWish(std::move(wish));
}

Result<std::vector<Bind>> binds_of(const Options& options, const sandbox::Pod& pod) {
  std::vector<Bind> binds;
  for (const std::string& text : options.texts("bind")) {
    Bind bind = TRY(parse_pilot_bind(text));
    if (::access(bind.source.c_str(), F_OK) != 0) return sys_error("--bind " + bind.source);
    binds.push_back(std::move(bind));
  }
  if (!binds.empty() && sandbox::uses_pod_root(pod.rung))
    return Error{Fault::unsupported, fmt::format("--bind: this pod's sandbox ({}) mounts nothing",
                                                 to_string(pod.rung))};
  return binds;
}

// Both count where both are given.
std::string both(const std::string& one, const std::string& other) {
  if (one.empty() || other.empty()) return one.empty() ? other : one;
  return fmt::format("({}) && ({})", one, other);
}

Result<Facts> facts_of(const Options& options, const sandbox::Pod& pod, const Offer& offer,
                       const JobSetting& setting, const std::string& pools_start) {
  utsname kernel{};
  ::uname(&kernel);
  Facts facts;
  facts.machine = host_name();
  facts.name = pilot_name(options);
  facts.domain = facts.name;
  facts.total = offer.total;
  facts.version = build_info().version;
  facts.arch = kernel.machine;
  facts.kernel_release = kernel.release;
  facts.os_release = read_file("/etc/os-release", 16u << 10).value_or("");
  facts.rung = to_string(pod.rung);
  facts.users = offer.tenancy.one ? "one" : "any";
  const sandbox::Guarantees guarantees =
      sandbox::guarantees_of(pod.rung, pod.landlock_abi, pod.carries_out, pod.holds_memory);
  for (const sandbox::Guarantee guarantee : sandbox::kGuarantees)
    if (guarantees.has(guarantee)) facts.guarantees.emplace_back(to_string(guarantee));
  facts.directory_images = setting.directory_images;
  facts.condor_version = condor_version();
  facts.started = static_cast<std::int64_t>(std::time(nullptr));
  facts.start = both(options.text("start"), pools_start);
  facts.runnable = runnable_expression(setting);
  if (options.has("attributes")) {
    const std::string file = options.text("attributes");
    const std::string text = TRY(read_file(file, kMaxAttributesFile).within("--attributes"));
    facts.attributes = TRY(parse_checked_ad(text).within("--attributes " + file));
  }
  for (const auto& [option, attribute] :
       {std::pair("site", "GLIDEIN_Site"), std::pair("resource-name", "GLIDEIN_ResourceName")})
    if (options.has(option)) facts.attributes.set(attribute, options.text(option));
  if (options.has("itb")) facts.attributes.set("Is_ITB_Site", true);
  TRY(check_facts(facts));
  return facts;
}

}  // namespace

std::chrono::milliseconds stop_reserve(std::chrono::milliseconds grace) {
  constexpr std::chrono::milliseconds kLongest{10'000};
  return std::min(grace / 4, kLongest);
}

std::string pilot_name(const Options& options) {
  static const std::string random = random_name().substr(0, kRandomDigits);
  const std::string name = options.has("name") ? options.text("name") : host_name();
  return options.has("randomize-name") ? fmt::format("{}.{}", random, name) : name;
}

Result<SchedulerWish> scheduler_wish(const Options& options) {
  const std::string url = options.text("scheduler");
  if (url.empty())
    return Error{Fault::invalid,
                 "--scheduler is missing: who gives work? For example "
                 "--scheduler spool:/work/spool or htcondor://collector.example.org"};
  if (url.starts_with(kCondorScheme) && url.size() > kCondorScheme.size())
    return condor_wish(options, std::string_view(url).substr(kCondorScheme.size()));
  if (!url.starts_with(kSpoolScheme) || url.size() == kSpoolScheme.size())
    return Error{Fault::invalid,
                 fmt::format("--scheduler \"{}\": must be spool:FOLDER or htcondor://COLLECTOR",
                             printable(url))};
  return SchedulerWish(SpoolWish{url.substr(kSpoolScheme.size())});
}

Result<std::unique_ptr<Scheduler>> make_scheduler(Poller& poller, const Options& options,
                                                  SchedulerWish wish, const sandbox::Pod& pod,
                                                  const Offer& offer) {
  if (const auto* spool = std::get_if<SpoolWish>(&wish))
    return std::make_unique<SpoolScheduler>(poller, spool->folder, pilot_name(options));
  CondorWish& condor = std::get<CondorWish>(wish);
  CondorSettings settings;
  settings.collectors = std::move(condor.collectors);
  settings.brokers = std::move(condor.brokers);
  settings.tokens = std::move(condor.tokens);
  settings.job.default_image = options.text("default-image");
  settings.job.directory_images = true;
  // Where the pod's root shows images a tree is made of files that no payload can change.
  settings.job.input_images = !sandbox::uses_pod_root(pod.rung);
  TRY(set_variables(settings.job.env, options));
  settings.job.binds = TRY(binds_of(options, pod));
  settings.facts = TRY(facts_of(options, pod, offer, settings.job, condor.start));
  settings.kind = sandbox::uses_pod_root(pod.rung) ? SlotKind::fixed : SlotKind::partitionable;
  const std::chrono::milliseconds grace = TRY(options.duration("grace"));
  settings.vacate_time = std::chrono::ceil<std::chrono::seconds>(grace - stop_reserve(grace));
  if (options.has("retirement")) {
    const std::chrono::milliseconds retirement = TRY(options.duration("retirement"));
    settings.retirement = std::chrono::ceil<std::chrono::seconds>(retirement);
  }
  settings.journal = scratch_folder(options) + "/condor-claims";
  return std::make_unique<HtcondorScheduler>(poller, std::move(settings));
}

}  // namespace podpilot::agent
