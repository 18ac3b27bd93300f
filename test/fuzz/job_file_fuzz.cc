// SPDX-License-Identifier: Apache-2.0
// The job file's parser, and what it promises about everything that it lets through.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/scheduler/spool/job_file.h"
#include "agent/scheduler/spool/ticket.h"

using namespace podpilot::agent::spool;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

void check_inside(const std::string& path) {
  require(!path.empty() && path[0] != '/' && path == clean_relative(path));
  require(("/" + path + "/").find("/../") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto ticket = Ticket::parse(text)) require(ticket->name() == text);
  const auto job = parse_job_file(text);
  if (!job) {
    require(!job.error().text.empty());
    return 0;
  }
  for (const Input& input : job->inputs) check_inside(input.target);
  for (const std::string& output : job->description.outputs) check_inside(output);
  require(!job->description.image.empty() && job->description.request.cpus > 0);
  return 0;
}
