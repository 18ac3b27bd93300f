// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/window_permit.h"

#include <atomic>

namespace podpilot::oci {
namespace {

constinit std::atomic_flag taken;

}  // namespace

WindowPermit WindowPermit::wait() {
  while (taken.test_and_set()) taken.wait(true);
  WindowPermit permit;
  permit.held_ = true;
  return permit;
}

WindowPermit::~WindowPermit() {
  if (!held_) return;
  taken.clear();
  taken.notify_one();
}

}  // namespace podpilot::oci
