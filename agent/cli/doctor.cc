// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/cli/commands.h"
#include "agent/cli/message.h"
#include "agent/cli/places.h"
#include "agent/cli/sandbox_options.h"
#include "agent/job/watchdog_policy.h"
#include "agent/resources.h"
#include "oci/store/store.h"
#include "sandbox/base/json.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"
#include "sandbox/capabilities.h"
#include "sandbox/landlock.h"

namespace podpilot::agent {
namespace {

enum class Mark { good, bad, note };  // a note is worth knowing and stops nothing

struct Finding {
  std::string name;
  Mark mark;
  std::string detail;
  std::string remedy;
};

Finding check_folder(const std::string& name, const std::string& path, const Result<void>& opened) {
  if (!opened)
    return {name, Mark::bad, fmt::format("{}: {}", path, opened.error().text),
            fmt::format("give --{} a folder on a volume that this user may write to", name)};
  struct statvfs disk{};
  if (::statvfs(path.c_str(), &disk) != 0) return {name, Mark::bad, path, ""};
  if (disk.f_flag & ST_NOEXEC)
    return {name, Mark::bad, path + ": the volume is mounted noexec",
            fmt::format("give --{} a volume whose files may be executed", name)};
  return {name, Mark::good,
          fmt::format("{}, {} free", path,
                      human_bytes(static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize)),
          ""};
}

Result<void> try_cache(const std::string& path) {
  TRY(oci::Store::open(path));
  return {};
}

Result<void> try_scratch(const std::string& path) {
  TRY(make_dirs(path, 0700));
  return {};
}

// Whose jobs a pilot here would take (Tenancy).
std::string_view users_of(sandbox::Rung rung, const Options& options) {
  return sandbox::serves_one_user(rung) && !options.has("share-between-users") ? "one" : "any";
}

// Every rung, whatever the better ones say; `rung` becomes the best that fits.
std::vector<Finding> check_sandbox(sandbox::Launcher& launcher, const std::string& scratch,
                                   const Options& options, const SandboxWish& wish,
                                   std::optional<sandbox::Rung>& rung) {
  std::vector<Finding> findings;
  for (const sandbox::Rung tried : sandbox::kLadder) {
    const std::string name = fmt::format("{}", to_string(tried));
    const Result<LockedTrial> locked = try_rung_alone(launcher, tried, scratch, wish);
    if (!locked) {
      findings.push_back({name, Mark::bad, "could not be tried: " + locked.error().text, ""});
      continue;
    }
    const sandbox::Trial& trial = locked->trial;
    const std::string against = judge(trial, wish);
    if (!against.empty()) {
      findings.push_back({name, Mark::note, against, remedy_for(trial)});
      continue;
    }
    if (!rung) rung = tried;
    findings.push_back(
        {name, Mark::good,
         fmt::format("works, {} for all of it; gives {}; takes jobs of {} user",
                     human_duration(trial.took),
                     guarantees_of(tried, trial.pod.landlock_abi, trial.pod.carries_out).text(),
                     users_of(tried, options)),
         ""});
  }
  if (!rung)
    for (Finding& finding : findings) finding.mark = Mark::bad;
  return findings;
}

Finding check_landlock() {
  const int abi = sandbox::landlock_abi();
  if (abi == 0)
    return {"landlock", Mark::note, "not there: a pull is not shut in",
            "a kernel of 5.19 or newer with lsm=landlock"};
  if (abi == 1)
    return {"landlock", Mark::note, "ABI 1, too old: a pull is not shut in",
            "a kernel of 5.19 or newer"};
  return {"landlock", Mark::good, fmt::format("ABI {}", abi), ""};
}

Finding tell_identity() {
  const Result<std::uint64_t> capabilities = sandbox::effective_capabilities();
  return {"identity", Mark::good,
          fmt::format("uid {}, gid {}, capabilities {:#x}", ::geteuid(), ::getegid(),
                      capabilities ? *capabilities : 0),
          ""};
}

Finding tell_resources(const std::string& scratch) {
  const Result<Resources> found = detect_resources(scratch);
  if (!found) return {"resources", Mark::note, found.error().text, ""};
  return {"resources", Mark::good,
          fmt::format("{} CPUs, {} of memory", found->cpus, human_bytes(found->memory)), ""};
}

// What the watchdog can hold, if a payload with all that this pod lends does its worst.
Finding tell_memory_watch() {
  const char* name = "memory watch";
  const Result<unsigned> cores = usable_cpus();
  if (!cores) return {name, Mark::note, cores.error().text, ""};
  const std::optional<MemoryGroup> group = limited_memory_group();
  std::optional<PodMemory> pod = group ? read_pod_memory(*group) : std::nullopt;
  const std::uint64_t whole = pod ? pod->limit : physical_memory();
  const std::uint64_t lent = lendable(whole);
  const WatchedJob job{.limits = {.memory = lent}, .now = {.memory = lent}};
  if (pod) pod->used = lent;
  const std::uint64_t over = overshoot(pod, job, *cores);
  const std::string reach = fmt::format(
      "a job with all of {} can pass it by {} before it is killed ({} cores, a look every {})",
      human_bytes(lent), human_bytes(over), *cores,
      human_duration(memory_period(pod, {job}, *cores)));
  if (!pod) return {name, Mark::note, reach, "set resources.limits.memory: this pod has no limit"};
  const std::uint64_t reserve = whole - lent;
  if (over > reserve)
    return {name, Mark::note,
            fmt::format("{}; the pod's limit is {} away", reach, human_bytes(reserve)),
            fmt::format("lend less: --memory {}MiB", (lent - std::min(lent, over)) >> 20)};
  return {name, Mark::good,
          fmt::format("{}; the pod's limit is {} away", reach, human_bytes(reserve)), ""};
}

std::vector<Finding> examine(sandbox::Launcher& launcher, const Options& options,
                             const SandboxWish& wish, std::optional<sandbox::Rung>& rung) {
  const std::string cache = cache_folder(options);
  const std::string scratch = scratch_folder(options);
  std::vector<Finding> findings = {tell_identity()};
  findings.push_back(check_folder("cache", cache, try_cache(cache)));
  findings.push_back(check_folder("scratch", scratch, try_scratch(scratch)));
  for (Finding& finding : check_sandbox(launcher, scratch, options, wish, rung))
    findings.push_back(std::move(finding));
  findings.push_back(check_landlock());
  findings.push_back(tell_resources(scratch));
  findings.push_back(tell_memory_watch());
  return findings;
}

std::string_view word(Mark mark) {
  switch (mark) {
    case Mark::good:
      return "ok";
    case Mark::bad:
      return "failed";
    case Mark::note:
      return "note";
  }
  return "note";
}

void print_json(const std::vector<Finding>& findings, std::string_view rung,
                std::string_view users) {
  nlohmann::ordered_json checks = nlohmann::ordered_json::array();
  for (const Finding& finding : findings)
    checks.push_back({{"name", finding.name},
                      {"result", std::string(word(finding.mark))},
                      {"detail", finding.detail},
                      {"remedy", finding.remedy}});
  const nlohmann::ordered_json out = {
      {"ready", !rung.empty()}, {"rung", rung}, {"users", users}, {"checks", checks}};
  fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void print_text(const std::vector<Finding>& findings, std::string_view rung,
                std::string_view users) {
  for (const Finding& finding : findings) {
    fmt::print("{:<7} {:<15} {}\n", word(finding.mark), finding.name, printable(finding.detail));
    if (!finding.remedy.empty()) fmt::print("{:<23} -> {}\n", "", finding.remedy);
  }
  fmt::print("\n{}\n",
             rung.empty() ? "This pod cannot run jobs. See the lines marked failed."
                          : fmt::format("This pod can run jobs of {} user: rung {}.", users, rung));
}

}  // namespace

int doctor_command(const Options& options) {
  Result<sandbox::Launcher> launcher = sandbox::Launcher::start();
  if (!launcher) {
    fmt::print(stderr, "podpilot doctor: {}\n", launcher.error().text);
    return kExitFailed;
  }
  const Result<SandboxWish> wish = sandbox_wish(options);
  if (!wish) return report_usage("doctor", wish.error());
  std::optional<sandbox::Rung> best;
  const std::vector<Finding> findings = examine(*launcher, options, *wish, best);
  bool ready = best.has_value();
  for (const Finding& finding : findings) ready &= finding.mark != Mark::bad;
  const std::string_view rung = ready ? to_string(*best) : "";
  const std::string_view users = ready ? users_of(*best, options) : "";
  if (options.has("json"))
    print_json(findings, rung, users);
  else
    print_text(findings, rung, users);
  return ready ? 0 : 1;
}

}  // namespace podpilot::agent
