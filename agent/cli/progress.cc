// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/base/io.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::string_view kClear = "\r\x1b[K";

void put(std::string_view text) {
  [[maybe_unused]] const auto written = write_all(BorrowedFd(STDERR_FILENO), text);
}

std::size_t terminal_width() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80U;
}

}  // namespace

std::string progress_text(const std::string& image,
                          const std::map<std::string, LayerProgress>& layers,
                          std::chrono::duration<double> elapsed, std::size_t width) {
  constexpr std::size_t kBar = 24;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::uint64_t whole = 0;
  std::uint64_t count = 0;
  for (const auto& [digest, layer] : layers) {
    done += std::min(layer.done, layer.total);
    total += layer.total;
    whole += layer.done >= layer.total ? 1 : 0;
    count = std::max(count, layer.layers);
  }
  const double share = total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
  const auto full = static_cast<std::size_t>(share * kBar);
  const auto rate = static_cast<std::uint64_t>(
      elapsed.count() > 0.2 ? static_cast<double>(done) / elapsed.count() : 0);
  std::string text = fmt::format(
      "pulling {} [{}{}] {}/{} layers, {} of {}{}", printable(image), std::string(full, '='),
      std::string(kBar - full, ' '), whole, std::max<std::uint64_t>(count, layers.size()),
      human_bytes(done), human_bytes(total),
      rate == 0 ? std::string() : fmt::format(", {}/s", human_bytes(rate)));
  if (text.size() >= width) text.resize(width > 0 ? width - 1 : 0);
  return text;
}

ProgressLine::ProgressLine(std::string image, bool wanted)
    : image_(std::move(image)),
      drawing_(wanted && ::isatty(STDERR_FILENO)),
      start_(std::chrono::steady_clock::now()) {}

ProgressLine::~ProgressLine() {
  if (drawn_) put(kClear);
}

void ProgressLine::update(const LayerProgress& layer) {
  if (!drawing_) return;
  layers_[layer.digest] = layer;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ >= kRedraw) draw(now);
}

void ProgressLine::draw(std::chrono::steady_clock::time_point now) {
  last_ = now;
  drawn_ = true;
  put(std::string(kClear) + progress_text(image_, layers_, now - start_, terminal_width()));
}

}  // namespace podpilot::agent
