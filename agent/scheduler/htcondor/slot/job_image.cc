// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/slot/job_image.h"

#include <fmt/format.h>

#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

std::unexpected<Reason> bad_image(std::string_view image, std::string_view why) {
  return std::unexpected(
      Reason{HoldCode::invalid_docker_image, 0,
             fmt::format("image {}: {} (image-unsupported)", printable(image), why)});
}

std::string named_image(const Ad& job, const JobSetting& setting) {
  if (const auto image = job.string("ContainerImage"); image && !image->empty()) return *image;
  // Always a registry's; elsewhere a name without a scheme is a file.
  if (const auto image = job.string("DockerImage"); image && !image->empty())
    return image->starts_with(kDocker) ? *image : std::string(kDocker) + *image;
  if (const auto image = job.string("SingularityImage"); image && !image->empty()) return *image;
  return setting.default_image;
}

}  // namespace

std::expected<JobImage, Reason> job_image(const Ad& job, const JobSetting& setting) {
  std::string image = named_image(job, setting);
  if (image.empty()) return bad_image("\"\"", "the job names none, and this node has no default");
  if (image.starts_with(kDocker) || image == setting.default_image) return JobImage{image};
  if (image.find("://") != std::string::npos)
    return bad_image(image, "only docker:// and folders are supported");
  while (image.size() > 1 && image.back() == '/') image.pop_back();
  if (image.ends_with(".sif")) return bad_image(image, "SIF files are not supported");
  if (image[0] == '/' && job.string("ContainerImageSource") != "cedar") {
    if (!setting.directory_images)
      return bad_image(image, "folders of the execute node are not images here");
    return JobImage{image};
  }
  // Among the input files, where it has the last part of its name.
  const std::string name = image.substr(image.rfind('/') + 1);
  if (!setting.input_images)
    return bad_image(image, "an image among the input files is not supported");
  if (name.empty() || name == "." || name == "..") return bad_image(image, "no name of a folder");
  return JobImage{name, true};
}

}  // namespace podpilot::agent::htcondor
