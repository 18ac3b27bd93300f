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

using Seconds = std::chrono::duration<double>;

constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::size_t kBar = 24;
constexpr std::size_t kMaxLayerLines = 8;
constexpr std::size_t kDigestShown = 19;  // "sha256:" and twelve digits, as docker abbreviates
constexpr double kRateKnown = 0.2;        // seconds until there is something to divide by

void put(std::string_view text) {
  [[maybe_unused]] const auto written = write_all(BorrowedFd(STDERR_FILENO), text);
}

ScreenSize screen_size() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return {size.ws_col, std::max<std::size_t>(size.ws_row, 2)};
}

std::string bar(std::uint64_t done, std::uint64_t total) {
  const double share = total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
  const auto full = static_cast<std::size_t>(share * kBar);
  return fmt::format("[{}{}]", std::string(full, '='), std::string(kBar - full, ' '));
}

std::uint64_t rate_of(std::uint64_t bytes, Seconds time) {
  if (time.count() <= 0) return 0;
  return static_cast<std::uint64_t>(static_cast<double>(bytes) / time.count());
}

bool under_way(const LayerProgress& layer) {
  return layer.state == LayerState::pulling && layer.done < layer.total;
}

struct Sum {
  std::uint64_t fetched = 0;  // by this pull
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::size_t whole = 0;
  std::size_t layers = 0;
};

Sum sum_of(const std::map<std::string, LayerProgress>& layers) {
  Sum out{.layers = layers.size()};
  for (const auto& [digest, layer] : layers) {
    const std::uint64_t done = std::min(layer.done, layer.total);
    out.done += done;
    out.total += layer.total;
    if (layer.state != LayerState::present) out.fetched += done;
    if (layer.state == LayerState::done || layer.state == LayerState::present) ++out.whole;
    out.layers = std::max<std::size_t>(out.layers, layer.layers);
  }
  return out;
}

std::string speed(const Sum& sum, Seconds elapsed) {
  const std::uint64_t rate = elapsed.count() > kRateKnown ? rate_of(sum.fetched, elapsed) : 0;
  if (rate == 0) return {};
  return fmt::format(", {}/s, {} s left", human_bytes(rate),
                     (sum.total - sum.done + rate - 1) / rate);
}

}  // namespace

std::vector<std::string> progress_lines(const std::string& image,
                                        const std::map<std::string, LayerProgress>& layers,
                                        Seconds elapsed, ScreenSize screen) {
  const Sum sum = sum_of(layers);
  std::vector<std::string> out = {fmt::format(
      "pulling {} {} {}/{} layers, {} of {}{}", printable(image), bar(sum.done, sum.total),
      sum.whole, sum.layers, human_bytes(sum.done), human_bytes(sum.total), speed(sum, elapsed))};
  const std::size_t room = std::min(kMaxLayerLines, screen.height - 2);
  for (const auto& [digest, layer] : layers) {
    if (out.size() > room) break;
    if (!under_way(layer)) continue;
    out.push_back(fmt::format("  {} {} {} of {}", printable(digest.substr(0, kDigestShown)),
                              bar(layer.done, layer.total), human_bytes(layer.done),
                              human_bytes(layer.total)));
  }
  // A line that the terminal breaks could not be drawn again.
  for (std::string& line : out)
    if (line.size() >= screen.width) line.resize(screen.width - 1);
  return out;
}

std::string pull_summary(const std::string& image, const PullReady& ready) {
  const auto seconds = [](std::chrono::milliseconds time) { return Seconds(time).count(); };
  const std::chrono::milliseconds whole = ready.asking + ready.layers + ready.finishing;
  if (ready.pulled == 0)
    return fmt::format("{}: {} layers, all in the cache ({:.2f} s)", printable(image),
                       ready.present, seconds(whole));
  return fmt::format(
      "{}: {} layers, {} in the cache, {} in {:.2f} s, {}/s (manifest {:.2f} s, layers "
      "{:.2f} s, store {:.2f} s)",
      printable(image), ready.pulled + ready.present, ready.present, human_bytes(ready.bytes),
      seconds(whole), human_bytes(rate_of(ready.bytes, whole)), seconds(ready.asking),
      seconds(ready.layers), seconds(ready.finishing));
}

ProgressBars::ProgressBars(std::string image, bool wanted)
    : image_(std::move(image)),
      drawing_(wanted && ::isatty(STDERR_FILENO)),
      start_(std::chrono::steady_clock::now()) {}

ProgressBars::~ProgressBars() {
  if (drawn_ > 0) put(fmt::format("\x1b[{}A\r\x1b[J", drawn_));
}

void ProgressBars::update(const LayerProgress& layer) {
  if (!drawing_) return;
  layers_[layer.digest] = layer;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ >= kRedraw) draw(now);
}

void ProgressBars::draw(std::chrono::steady_clock::time_point now) {
  last_ = now;
  const std::vector<std::string> lines =
      progress_lines(image_, layers_, now - start_, screen_size());
  std::string text = drawn_ > 0 ? fmt::format("\x1b[{}A\r", drawn_) : "";
  for (const std::string& line : lines) text += line + "\x1b[K\n";
  put(text + "\x1b[J");
  drawn_ = lines.size();
}

}  // namespace podpilot::agent
