// SPDX-License-Identifier: Apache-2.0
#include "agent/job/next_root.h"

#include <memory>
#include <utility>

#include "oci/reference.h"

namespace podpilot::agent {

NextRoot::~NextRoot() {
  making_.request_stop();
}

void NextRoot::begins(const std::string& image) {
  hint_.clear();
  if (chosen_ != image) drop();
}

void NextRoot::runs(const std::string& image, std::optional<std::uint32_t> owner) {
  running_ = image;
  owner_ = owner;
  drop();
  consider();
}

void NextRoot::hint(const std::string& image) {
  hint_ = image;
  consider();
}

void NextRoot::stop() {
  stopped_ = true;
  drop();
}

void NextRoot::consider() {
  const std::string& wanted = hint_.empty() ? running_ : hint_;
  if (stopped_ || running_.empty() || wanted == chosen_) return;
  drop();
  chosen_ = wanted;
  const Result<oci::Reference> reference = oci::Reference::parse(wanted);
  if (!reference || reference->kind == oci::ReferenceKind::directory) return;
  Result<std::optional<oci::Image>> image =
      store_.find(reference->str(), oci::Platform::host(), oci::Store::Unsettled::skip);
  if (!image || !*image) return;
  Result<JobFolder> folder = scratch_.make_job();
  if (!folder) return;
  folder_ = *std::move(folder);
  roots_.prepare(**std::move(image), *folder_, owner_, room_, making_.get_token());
}

void NextRoot::drop() {
  chosen_.clear();
  if (!folder_) return;
  making_.request_stop();
  making_ = {};
  const auto folder = std::make_shared<JobFolder>(*std::exchange(folder_, std::nullopt));
  roots_.drop_prepared(
      *folder, [&scratch = scratch_, folder] { scratch.discard(std::move(*folder), [] {}); });
}

}  // namespace podpilot::agent
