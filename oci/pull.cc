// SPDX-License-Identifier: Apache-2.0
#include "oci/pull.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "oci/layer/unpack.h"
#include "oci/limits.h"
#include "oci/manifest.h"

namespace podpilot::oci {
namespace {

constexpr int kMaxIndexDepth = 2;
constexpr std::uint64_t kProgressStep = 512 << 10;

struct ChosenManifest {
  Digest digest;
  Digest root;  // of the document that the reference names
  ImageManifest manifest;
};

// The manifest for the platform: directly, or through an index (of indexes).
Result<ChosenManifest> choose_manifest(Source& source, const Platform& platform) {
  Document document = TRY(source.root_manifest().within("manifest"));
  const Digest root = document.digest;
  for (int depth = 0;; ++depth) {
    Manifest parsed = TRY(parse_manifest(document.bytes, document.media_type).within("manifest"));
    if (auto* image = std::get_if<ImageManifest>(&parsed))
      return ChosenManifest{document.digest, root, std::move(*image)};
    if (depth == kMaxIndexDepth) return Error{Fault::invalid, "indexes within indexes"};
    const Descriptor next = TRY(choose(std::get<Index>(parsed), platform));
    document = TRY(source.manifest(next).within("manifest " + next.digest.str()));
  }
}

Result<std::string> fetch_config(Source& source, const Descriptor& config) {
  if (config.size > kMaxConfigBytes)
    return Error{Fault::invalid, fmt::format("larger than {} bytes", kMaxConfigBytes)};
  std::string bytes;
  TRY(source.blob(config, [&bytes](std::string_view more) -> Result<void> {
    bytes += more;
    return {};
  }));
  if (bytes.size() != config.size)
    return Error{Fault::corrupt, fmt::format("the size is {}, not {}", bytes.size(), config.size)};
  const Digest sum = Digest::of(bytes);
  if (sum != config.digest)
    return Error{Fault::corrupt,
                 fmt::format("the digest is {}, not {}", sum.str(), config.digest.str())};
  return bytes;
}

// One distinct layer to have in the store.
struct Work {
  std::size_t place = 0;  // in the manifest
  Descriptor blob;
  Digest diff_id;
};

// A diffID that stands twice needs to be there once.
std::vector<Work> distinct_layers(const ImageManifest& manifest,
                                  const std::vector<Digest>& diff_ids) {
  std::vector<Work> work;
  for (std::size_t i = 0; i < manifest.layers.size(); ++i)
    if (std::ranges::find(work, diff_ids[i], &Work::diff_id) == work.end())
      work.push_back({i, manifest.layers[i].descriptor, diff_ids[i]});
  return work;
}

// Brings all layers into the store, the largest first: it decides when the last one is done.
class LayerPuller {
 public:
  LayerPuller(Source& source, Store& store, const PullOptions& options, std::vector<Work> work,
              std::size_t layers)
      : source_(source), store_(store), options_(options), work_(std::move(work)), layers_(layers) {
    std::ranges::sort(work_, std::greater(), [](const Work& w) { return w.blob.size; });
  }

  // The locks that keep the layers, once all of them are there.
  Result<std::vector<FileLock>> run() {
    // Stopped from outside, or by the first layer that fails.
    const std::stop_callback forward(options_.stop, [this] { stop_.request_stop(); });
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < thread_count(); ++i) {
      try {
        threads.emplace_back([this] { pull_layers(); });
      } catch (const std::system_error&) {
        break;  // with fewer it takes longer
      }
    }
    pull_layers();
    for (std::thread& thread : threads) thread.join();
    if (error_) return *std::move(error_);
    return std::move(locks_);
  }

  void report_to(PullReport& report) const {
    report.bytes = pulled_bytes_;
    report.pulled = pulled_;
    report.present = work_.size() - report.pulled;
  }

 private:
  std::size_t thread_count() const { return std::min(options_.threads, work_.size()); }

  void pull_layers() {
    for (;;) {
      const std::size_t next = next_++;
      if (next >= work_.size() || stop_.stop_requested()) break;
      const Work& work = work_[next];
      Result<FileLock> lock = pull_layer(work);
      const std::lock_guard guard(mutex_);
      if (lock) {
        locks_.push_back(*std::move(lock));
        continue;
      }
      if (!error_)
        error_ = std::move(lock).error().within(
            fmt::format("layer {}/{} {}", work.place + 1, layers_, work.blob.digest.str()));
      stop_.request_stop();
    }
    const std::lock_guard guard(mutex_);
    if (options_.stop.stop_requested() && !error_) error_ = Error{Fault::transient, "cancelled"};
  }

  Result<FileLock> pull_layer(const Work& work) {
    using State = LayerProgress::State;
    bool pulled = false;
    tell(work, 0, State::waiting);
    FileLock lock = TRY(store_.ensure_layer(
        work.diff_id,
        [&](BorrowedFd into) {
          pulled = true;
          return unpack(work, into);
        },
        stop_.get_token()));
    if (pulled) {
      pulled_bytes_ += work.blob.size;
      ++pulled_;
    }
    tell(work, work.blob.size, pulled ? State::done : State::present);
    return lock;
  }

  Result<void> unpack(const Work& work, BorrowedFd into) {
    std::uint64_t told = 0;
    tell(work, 0, LayerProgress::State::pulling);
    UnpackOptions options;
    options.stop = stop_.get_token();
    options.boot = store_.layout().boot;
    options.progress = [&](std::uint64_t bytes) {
      if (bytes < told + kProgressStep) return;
      told = bytes;
      tell(work, bytes, LayerProgress::State::pulling);
    };
    const Fetch fetch = [&](const Sink& sink) { return source_.blob(work.blob, sink); };
    return unpack_layer(fetch, work.blob, work.diff_id, into, options);
  }

  void tell(const Work& work, std::uint64_t bytes, LayerProgress::State state) {
    if (!options_.progress) return;
    const std::lock_guard guard(mutex_);
    options_.progress({work.place, layers_, work.blob.digest, bytes, work.blob.size, state});
  }

  Source& source_;
  Store& store_;
  const PullOptions& options_;
  std::vector<Work> work_;
  std::size_t layers_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::uint64_t> pulled_bytes_{0};
  std::atomic<std::size_t> pulled_{0};
  std::stop_source stop_;
  std::mutex mutex_;  // all below, and the caller's progress function
  std::vector<FileLock> locks_;
  std::optional<Error> error_;
};

// The image that the store has under the name, where the source still means the same by it.
Result<std::optional<Image>> unmoved(Source& source, Store& store, const PullOptions& options) {
  if (options.reference.empty()) return std::optional<Image>();
  const std::optional<RefRecord> known = TRY(store.resolved(options.reference, options.platform));
  if (!known || !known->root) return std::optional<Image>();
  if (source.root_digest() != known->root) return std::optional<Image>();
  std::optional<Image> image = TRY(store.find(known->manifest));
  if (!image) return image;
  TRY(store.tag(options.reference, options.platform, known->manifest, *known->root));
  return image;
}

Result<Image> pull_anew(Source& source, Store& store, const PullOptions& options,
                        PullReport& report) {
  auto lap = [start = Clock::now()]() mutable {
    const Clock::time_point now = Clock::now();
    return now - std::exchange(start, now);
  };
  const ChosenManifest chosen = TRY(choose_manifest(source, options.platform));
  const ImageManifest& manifest = chosen.manifest;
  std::optional<Image> known = TRY(store.find(chosen.digest));
  report.present = manifest.layers.size();
  report.asking += lap();
  if (!known) {
    const std::string context = "config " + manifest.config.digest.str();
    const std::string config = TRY(fetch_config(source, manifest.config).within(context));
    const ImageConfig parsed = TRY(parse_config(config, manifest.layers.size()).within(context));
    LayerPuller puller(source, store, options, distinct_layers(manifest, parsed.diff_ids),
                       manifest.layers.size());
    report.asking += lap();
    const std::vector<FileLock> locks = TRY(puller.run());
    report.layers = lap();
    puller.report_to(report);
    known = TRY(
        store.add_image(chosen.digest, options.platform, config, parsed.diff_ids, options.stop));
    report.finishing = lap();
  }
  if (!options.reference.empty())
    TRY(store.tag(options.reference, options.platform, chosen.digest, chosen.root));
  return *std::move(known);
}

}  // namespace

Result<Image> pull(Source& source, Store& store, const PullOptions& options) {
  PullReport report;
  const Clock::time_point start = Clock::now();
  std::optional<Image> image = TRY(unmoved(source, store, options));
  report.asking = Clock::now() - start;
  if (image)
    report.present = image->config.diff_ids.size();
  else
    image = TRY(pull_anew(source, store, options, report));
  if (options.report) *options.report = report;
  return *std::move(image);
}

}  // namespace podpilot::oci
