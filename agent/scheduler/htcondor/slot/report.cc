// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/slot/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

namespace podpilot::agent::htcondor {
namespace {

struct Row {
  std::string_view slug;
  HoldCode code;
  int subcode;  // an errno where none is defined
};

// A failure that is not here is no reason to hold a job.
constexpr std::array kRows = {
    Row{"payload-not-found", HoldCode::create_process, ENOENT},
    Row{"payload-not-executable", HoldCode::create_process, EACCES},
    Row{"payload-over-memory", HoldCode::out_of_resources, kOutOfMemory},
    Row{"payload-over-disk", HoldCode::out_of_resources, kOutOfDisk},
    Row{"payload-over-time", HoldCode::out_of_resources, ETIME},
    Row{"payload-over-cpu-time", HoldCode::out_of_resources, ETIME},
    Row{"payload-over-processes", HoldCode::out_of_resources, EAGAIN},
    Row{"payload-output-missing", HoldCode::download_file, ENOENT},
    Row{"job-invalid", HoldCode::create_process, EINVAL},
    Row{"input-not-found", HoldCode::upload_file, ENOENT},
    Row{"image-not-found", HoldCode::invalid_docker_image, ENOENT},
    Row{"image-denied", HoldCode::invalid_docker_image, EACCES},
    Row{"image-unsupported", HoldCode::invalid_docker_image, ENOEXEC},
    Row{"image-corrupt", HoldCode::invalid_docker_image, EBADMSG},
    Row{"image-too-large", HoldCode::invalid_docker_image, EFBIG},
    Row{"image-invalid", HoldCode::invalid_docker_image, EINVAL},
};

std::int64_t kib(std::uint64_t bytes) {
  return static_cast<std::int64_t>((bytes + 1023) / 1024);
}

double seconds(std::chrono::microseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

JobEnd end_of(const Outcome& outcome) {
  if (outcome.verdict == Verdict::done && outcome.exit) return Exited{outcome.exit->wait_status()};
  std::string reason = fmt::format("{} ({})", outcome.text, outcome.slug);
  const auto* row = std::ranges::find(kRows, outcome.slug, &Row::slug);
  if (outcome.verdict == Verdict::failed && row != kRows.end())
    return Reason{row->code, row->subcode, std::move(reason)};
  return Requeued{std::move(reason)};
}

Consumption consumption_of(const Usage& usage) {
  return {.user_cpu = seconds(usage.user),
          .system_cpu = seconds(usage.system),
          .memory = kib(std::max(usage.peak_memory, usage.max_rss)),
          .largest = kib(usage.max_rss),
          .disk = kib(usage.disk)};
}

}  // namespace podpilot::agent::htcondor
