// SPDX-License-Identifier: Apache-2.0
#include "agent/job/outcome.h"

#include <array>
#include <utility>

namespace podpilot::agent {
namespace {

constexpr int kFailed = 125;  // podpilot itself failed, as docker run has it
constexpr int kKilled = 137;  // 128 + SIGKILL: what docker run gives for a container out of memory

struct Row {
  Origin origin;
  Fault fault;
  Judgement judgement;
};

constexpr std::string_view kReport = "this is a bug of podpilot: please report it";

// The first row of an origin that has the fault counts, others are named by failure(Excess);
// `internal` closes each origin.
constexpr std::array kRows = {
    Row{Origin::payload,
        Fault::not_found,
        {"payload-not-found", Verdict::failed, 127,
         "name a command that exists in the image, or a script in the job's folder"}},
    Row{Origin::payload,
        Fault::denied,
        {"payload-not-executable", Verdict::failed, 126,
         "make it executable, and built for this machine's architecture"}},
    Row{Origin::payload,
        Fault::transient,
        {"payload-over-time", Verdict::failed, 124, "raise the job's time_limit"}},
    Row{Origin::payload,
        Fault::exhausted,
        {"payload-over-memory", Verdict::failed, kKilled, "raise the job's memory"}},
    Row{Origin::payload,
        Fault::exhausted,
        {"payload-over-disk", Verdict::failed, kKilled, "raise the job's disk"}},
    Row{Origin::payload,
        Fault::exhausted,
        {"payload-over-cpu-time", Verdict::failed, kKilled, "raise the job's CPU time"}},
    Row{Origin::payload,
        Fault::exhausted,
        {"payload-over-processes", Verdict::failed, kKilled, "raise the limit of processes"}},
    Row{Origin::payload,
        Fault::corrupt,
        {"payload-output-missing", Verdict::failed, kFailed,
         "let the job write every file that it lists in outputs"}},
    Row{Origin::payload,
        Fault::invalid,
        {"job-invalid", Verdict::failed, kFailed, "mend the job's description"}},
    Row{Origin::payload,
        Fault::internal,
        {"payload-stopped", Verdict::requeue, kFailed, "it was stopped from outside"}},

    Row{Origin::image,
        Fault::not_found,
        {"image-not-found", Verdict::failed, kFailed, "check the image's name and tag"}},
    Row{Origin::image,
        Fault::denied,
        {"image-denied", Verdict::failed, kFailed,
         "give credentials for its registry (docker config.json), or leave to read its files"}},
    Row{Origin::image,
        Fault::unsupported,
        {"image-unsupported", Verdict::failed, kFailed,
         "use an image that is built for this platform, in gzip, zstd or plain layers"}},
    Row{Origin::image,
        Fault::corrupt,
        {"image-corrupt", Verdict::failed, kFailed,
         "push the image again; its bytes contradict its digests"}},
    Row{Origin::image,
        Fault::exhausted,
        {"image-too-large", Verdict::failed, kFailed, "use a smaller image"}},
    Row{Origin::image,
        Fault::invalid,
        {"image-invalid", Verdict::failed, kFailed, "mend the image or its name"}},
    Row{Origin::image,
        Fault::internal,
        {"image-unusable", Verdict::requeue, kFailed, "the pull broke down on this image"}},

    Row{Origin::site,
        Fault::exhausted,
        {"cache-full", Verdict::requeue, kFailed,
         "make room on the volume of --cache or --scratch, or give them a larger one"}},
    Row{Origin::site,
        Fault::unsupported,
        {"sandbox-unavailable", Verdict::requeue, kFailed,
         "run 'podpilot doctor' in this pod: it names the lines of the pod spec that are missing"}},
    Row{Origin::site,
        Fault::denied,
        {"site-denied", Verdict::requeue, kFailed,
         "let the pilot's user write to --cache and --scratch"}},
    Row{Origin::site,
        Fault::transient,
        {"sandbox-killed", Verdict::requeue, kFailed,
         "give the pod more memory, or the pilot less to lend (--memory)"}},
    Row{Origin::site,
        Fault::internal,
        {"site-unusable", Verdict::requeue, kFailed,
         "run 'podpilot doctor' and look at --cache and --scratch"}},

    Row{Origin::network,
        Fault::internal,
        {"registry-unavailable", Verdict::requeue, kFailed,
         "try again; check that this pod can reach the registry"}},

    Row{Origin::scheduler,
        Fault::not_found,
        {"input-not-found", Verdict::failed, kFailed, "check the job's list of inputs"}},
    Row{Origin::scheduler,
        Fault::invalid,
        {"job-invalid", Verdict::failed, kFailed, "mend the job's description"}},
    Row{Origin::scheduler,
        Fault::exhausted,
        {"spool-full", Verdict::requeue, kFailed, "make room on the volume of the spool"}},
    Row{Origin::scheduler,
        Fault::internal,
        {"scheduler-unavailable", Verdict::requeue, kFailed,
         "check that the scheduler, or the folder of the spool, can be reached"}},

    Row{Origin::pilot, Fault::internal, {"pilot-fault", Verdict::requeue, kFailed, kReport}},
};

}  // namespace

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::payload:
      return "payload";
    case Origin::image:
      return "image";
    case Origin::site:
      return "site";
    case Origin::pilot:
      return "pilot";
    case Origin::network:
      return "network";
    case Origin::scheduler:
      return "scheduler";
  }
  return "pilot";
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::done:
      return "done";
    case Verdict::failed:
      return "failed";
    case Verdict::requeue:
      return "requeue";
  }
  return "requeue";
}

const Judgement& judge(Origin origin, Fault fault) {
  const Judgement* fallback = &kRows.back().judgement;
  for (const Row& row : kRows) {
    if (row.origin != origin) continue;
    if (row.fault == fault) return row.judgement;
    if (row.fault == Fault::internal) fallback = &row.judgement;
  }
  return *fallback;
}

const Judgement& judgement_of(std::string_view slug) {
  for (const Row& row : kRows)
    if (row.judgement.slug == slug) return row.judgement;
  return kRows.back().judgement;
}

Origin origin_of_pull(Fault fault) {
  switch (fault) {
    case Fault::transient:
      return Origin::network;
    case Fault::exhausted:
      return Origin::site;
    case Fault::internal:
      return Origin::pilot;
    default:
      return Origin::image;
  }
}

Outcome failure(Excess excess, std::string text) {
  constexpr std::array kSlugs = {"payload-over-memory", "payload-over-disk",
                                 "payload-over-cpu-time", "payload-over-processes"};
  const Judgement& judgement = judgement_of(kSlugs[static_cast<std::size_t>(excess)]);
  Outcome outcome;
  outcome.verdict = judgement.verdict;
  outcome.slug = judgement.slug;
  outcome.origin = Origin::payload;
  outcome.text = std::move(text);
  return outcome;
}

Outcome failure(Origin origin, const Error& error) {
  const Judgement& judgement = judge(origin, error.fault);
  Outcome outcome;
  outcome.verdict = judgement.verdict;
  outcome.slug = judgement.slug;
  outcome.origin = origin;
  outcome.text = error.text;
  return outcome;
}

}  // namespace podpilot::agent
