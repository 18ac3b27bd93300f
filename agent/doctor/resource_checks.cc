// SPDX-License-Identifier: Apache-2.0
#include "agent/doctor/resource_checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/job/watchdog_policy.h"
#include "agent/resources.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {

Finding tell_resources(const std::string& scratch) {
  const Result<Resources> found = detect_resources(scratch);
  if (!found) return {"resources", Mark::note, found.error().text};
  return {"resources", Mark::good,
          fmt::format("{} CPUs, {} of memory", found->cpus, human_bytes(found->memory))};
}

Finding tell_memory_watch() {
  const char* name = "memory watch";
  const Result<unsigned> cores = usable_cpus();
  if (!cores) return {name, Mark::note, cores.error().text};
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
  if (!pod)
    return {name, Mark::note, reach,
            advice(Reason::none, "Set resources.limits.memory: this pod has no limit.")};
  const std::uint64_t reserve = whole - lent;
  if (over > reserve)
    return {name, Mark::note,
            fmt::format("{}; the pod's limit is {} away", reach, human_bytes(reserve)),
            advice(Reason::none,
                   fmt::format("Lend less: --memory {}MiB.", (lent - std::min(lent, over)) >> 20))};
  return {name, Mark::good,
          fmt::format("{}; the pod's limit is {} away", reach, human_bytes(reserve))};
}

}  // namespace podpilot::agent
