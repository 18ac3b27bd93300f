// SPDX-License-Identifier: Apache-2.0
#include "agent/metrics/metrics.h"

#include <algorithm>
#include <string_view>

namespace podpilot::agent {
namespace {

constexpr std::size_t index_of(Spent kind) {
  return std::to_underlying(kind);
}

double seconds(Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

// What a job's run was good for.
Spent worth(const Outcome& outcome) {
  if (outcome.verdict == Verdict::done) return Spent::goodput;
  return outcome.origin == Origin::payload ? Spent::preemption : Spent::misconfiguration;
}

}  // namespace

std::string_view to_string(Spent spent) {
  switch (spent) {
    case Spent::validation:
      return "validation";
    case Spent::decision:
      return "decision";
    case Spent::misconfiguration:
      return "misconfiguration";
    case Spent::goodput:
      return "goodput";
    case Spent::preemption:
      return "preemption";
    case Spent::overhead:
      return "overhead";
  }
  std::unreachable();
}

std::array<Clock::duration, kSpentKinds> spent_on(const JobRecord& job) {
  std::array<Clock::duration, kSpentKinds> out{};
  const Spent kind = job.released ? Spent::preemption : worth(job.outcome);
  // What never ran cost all of its time, for the reason that kept it from running.
  if (kind == Spent::misconfiguration) {
    out[index_of(kind)] = job.whole;
    return out;
  }
  const auto run = std::min<Clock::duration>(job.outcome.times.run, job.whole);
  out[index_of(kind)] = run;
  out[index_of(Spent::overhead)] = job.whole - run;
  return out;
}

void Metrics::spent(Spent kind, Clock::duration time, unsigned cpus) {
  spent_.at(index_of(kind)) += seconds(time) * cpus;
}

void Metrics::job_ended(const JobRecord& job) {
  const Outcome& outcome = job.outcome;
  End end{.outcome = std::string(to_string(outcome.verdict)),
          .origin = std::string(to_string(outcome.origin.value_or(Origin::payload))),
          .reason = outcome.slug.empty() ? "exit" : outcome.slug};
  if (job.released) end = {"released", "scheduler", "released"};
  ++ends_[end];
  const auto spent_times = spent_on(job);
  for (std::size_t kind = 0; kind < kSpentKinds; ++kind)
    spent(static_cast<Spent>(kind), spent_times.at(kind), job.cpus);

  const auto started = job.times.at(Event::payload_started);
  if (started) {
    match_to_start_.observe(*started - job.taken);
    run_.observe(outcome.times.run);
  }
  if (const auto in = job.times.between(Event::described, Event::inputs_ready))
    inputs_.observe(*in);
  if (const auto out = job.times.between(Event::sandbox_gone, Event::outputs_sent))
    outputs_.observe(*out);
  if (job.times.at(Event::image_failed)) ++images_["failed"];
  if (job.pull) {
    ++images_["pulled"];
    pulled_bytes_ += job.pull->bytes;
    layers_pulled_ += job.pull->pulled;
    layers_present_ += job.pull->present;
    asking_.observe(job.pull->asking);
    layers_.observe(job.pull->layers);
    finishing_.observe(job.pull->finishing);
  } else if (job.image_size > 0) {
    ++images_["present"];
    saved_bytes_ += job.image_size;
  }
}

void Metrics::cache_removed(std::size_t images, std::uint64_t bytes) {
  removed_images_ += images;
  removed_bytes_ += bytes;
}

std::string Metrics::text(const PilotFigures& pilot,
                          const std::optional<CacheFigures>& cache) const {
  using enum Exposition::Type;
  Exposition out;
  const auto label = [this](const char* name) {
    const auto found = pilot_.find(name);
    return found == pilot_.end() ? std::string_view() : std::string_view(found->second);
  };
  out.family("podpilot_build_info", gauge, "Always 1; what runs here.")
      .sample(1, {{"version", label("version")}, {"revision", label("revision")}});
  out.family("podpilot_pilot_info", gauge, "Always 1; how jobs run here.")
      .sample(1, {{"name", label("name")},
                  {"scheduler", label("scheduler")},
                  {"rung", label("rung")},
                  {"users", label("users")}});
  out.family("podpilot_ready", gauge, "Whether jobs can be taken, as /readyz says.")
      .sample(pilot.ready ? 1 : 0);

  out.family("podpilot_jobs_total", counter, "Jobs that ended, by who caused it and why.");
  for (const auto& [end, count] : ends_)
    out.sample(static_cast<double>(count),
               {{"outcome", end.outcome}, {"origin", end.origin}, {"reason", end.reason}});
  out.family("podpilot_core_seconds_total", counter,
             "Time of the lent cores by what it went to; a job's when it has ended.");
  for (std::size_t kind = 0; kind < kSpentKinds; ++kind)
    out.sample(spent_.at(kind), {{"spent", to_string(static_cast<Spent>(kind))}});

  out.family("podpilot_job_start_seconds", histogram,
             "From the activation of a job to its payload's first instruction.")
      .sample(match_to_start_);
  out.family("podpilot_job_run_seconds", histogram, "How long payloads ran.").sample(run_);
  out.family("podpilot_job_transfer_seconds", histogram,
             "Inputs to the job, outputs from it, as far as the scheduler brings them.")
      .sample(inputs_, {{"direction", "in"}})
      .sample(outputs_, {{"direction", "out"}});
  out.family("podpilot_image_pull_seconds", histogram,
             "Pulls that succeeded: asking for manifest and configuration, layers, finishing.")
      .sample(asking_, {{"phase", "asking"}})
      .sample(layers_, {{"phase", "layers"}})
      .sample(finishing_, {{"phase", "finishing"}});
  out.family("podpilot_images_total", counter, "Images that jobs asked for, by where they were.");
  for (const auto& [result, count] : images_)
    out.sample(static_cast<double>(count), {{"result", result}});
  out.family("podpilot_image_layers_total", counter, "Layers of the images that were pulled.")
      .sample(static_cast<double>(layers_pulled_), {{"result", "pulled"}})
      .sample(static_cast<double>(layers_present_), {{"result", "present"}});
  out.family("podpilot_image_pulled_bytes_total", counter, "Bytes of layers, as served.")
      .sample(static_cast<double>(pulled_bytes_));
  out.family("podpilot_image_saved_bytes_total", counter,
             "Bytes on disk of the images that were there when a job asked for them.")
      .sample(static_cast<double>(saved_bytes_));
  out.family("podpilot_cache_removed_images_total", counter,
             "Images that this pilot removed to keep the cache within its limits.")
      .sample(static_cast<double>(removed_images_));
  out.family("podpilot_cache_removed_bytes_total", counter, "What their layers took, about.")
      .sample(static_cast<double>(removed_bytes_));
  if (cache) {
    out.family("podpilot_cache_bytes", gauge, "Unpacked layers in the cache, about.")
        .sample(static_cast<double>(cache->used));
    out.family("podpilot_cache_free_bytes", gauge, "What the cache's disk has left.")
        .sample(static_cast<double>(cache->free));
  }

  const Offer& offer = pilot.offer;
  out.family("podpilot_slots", gauge, "Jobs that this pod can hold at once.")
      .sample(offer.capacity - std::min(offer.capacity, offer.claims), {{"state", "free"}})
      .sample(offer.claims - std::min(offer.claims, pilot.busy), {{"state", "claimed"}})
      .sample(pilot.busy, {{"state", "busy"}});
  out.family("podpilot_cpus", gauge, "Cores that are lent.")
      .sample(offer.free.cpus, {{"state", "free"}})
      .sample(offer.total.cpus - offer.free.cpus, {{"state", "claimed"}});
  out.family("podpilot_memory_bytes", gauge, "Memory that is lent.")
      .sample(static_cast<double>(offer.free.memory), {{"state", "free"}})
      .sample(static_cast<double>(offer.total.memory - offer.free.memory), {{"state", "claimed"}});
  return out.text();
}

}  // namespace podpilot::agent
