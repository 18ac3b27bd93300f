// SPDX-License-Identifier: Apache-2.0
// A pull for the eye: on a terminal lines that are drawn again, a bar for all and one for each
// layer that is under way; nothing elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/job/pull_events.h"

namespace podpilot::agent {

class ProgressBars {
 public:
  // `image` is shown in front. Draws only where stderr is a terminal and `wanted` is true.
  ProgressBars(std::string image, bool wanted);
  // Takes the lines away.
  ~ProgressBars();

  bool drawing() const { return drawing_; }
  void update(const LayerProgress& layer);

 private:
  void draw(std::chrono::steady_clock::time_point now);

  std::string image_;
  bool drawing_;
  std::size_t drawn_ = 0;  // lines
  std::map<std::string, LayerProgress> layers_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_{};
};

struct ScreenSize {
  std::size_t width = 80;
  std::size_t height = 24;
};

// Pure: what is drawn, within `screen`.
std::vector<std::string> progress_lines(const std::string& image,
                                        const std::map<std::string, LayerProgress>& layers,
                                        std::chrono::duration<double> elapsed, ScreenSize screen);

// Pure: an ended pull in one line, without a newline.
std::string pull_summary(const std::string& image, const PullReady& ready);

}  // namespace podpilot::agent
