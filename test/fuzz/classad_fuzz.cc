// SPDX-License-Identifier: Apache-2.0
// Ads as a peer sends them: what is read can be written, read again and evaluated, within bounds.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/scheduler/htcondor/classad/text.h"
#include "agent/scheduler/htcondor/classad/wire.h"
#include "agent/scheduler/htcondor/slot/job_ad.h"

using namespace podpilot::agent;
using namespace podpilot::agent::htcondor;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

void check(const Ad& ad) {
  std::vector<std::string> names;
  ad.for_each([&](const std::string& name, const std::string& expression) {
    names.push_back(name);
    // " - 5" comes back as "-5", which stays.
    Ad again, third;
    require(again.set_expression(name, expression).has_value());
    require(third.set_expression(name, *again.expression(name)).has_value());
    require(third.expression(name) == again.expression(name));
  });
  for (const std::string& name : names) {
    (void)ad.value(name, &ad);
    (void)ad.strings(name);
  }
  JobSetting setting;
  setting.input_images = setting.directory_images = true;
  const auto job = read_job(ad, setting);
  if (!job) {
    require(!job.error().text.empty());
    return;
  }
  require(!job->description.image.empty() && job->description.scratch.starts_with("/"));
  require(job->executable != ".." && !job->executable.starts_with('/') && job->kill_signal > 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto ad = parse_ad(bytes)) check(*ad);
  for (const Coding coding : {Coding::clear, Coding::encrypted}) {
    MessageReader reader(std::string(bytes), coding);
    const auto ad = get_ad(reader);
    if (!ad) continue;
    check(*ad);
    MessageWriter writer(coding);
    put_ad(writer, *ad);
    MessageReader again(writer.body(), coding);
    const auto copy = get_ad(again);
    require(copy && copy->size() == ad->size() && again.left() == 0);
  }
  return 0;
}
