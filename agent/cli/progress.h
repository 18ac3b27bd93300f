// SPDX-License-Identifier: Apache-2.0
// A pull for the eye: one line that is drawn again on a terminal, nothing elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "agent/job/pull_events.h"

namespace podpilot::agent {

class ProgressLine {
 public:
  // `image` is shown in front. Draws only where stderr is a terminal and `wanted` is true.
  ProgressLine(std::string image, bool wanted);
  // Takes the line away.
  ~ProgressLine();

  void update(const LayerProgress& layer);

 private:
  void draw(std::chrono::steady_clock::time_point now);

  std::string image_;
  bool drawing_;
  bool drawn_ = false;
  std::map<std::string, LayerProgress> layers_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_{};
};

// Pure: what is drawn, no longer than `width`.
std::string progress_text(const std::string& image,
                          const std::map<std::string, LayerProgress>& layers,
                          std::chrono::duration<double> elapsed, std::size_t width);

}  // namespace podpilot::agent
