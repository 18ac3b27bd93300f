// SPDX-License-Identifier: Apache-2.0
// From a source to an image in the store: manifest, config and layers, each verified before it is
// used, layers side by side and each of them received, inflated and unpacked at once.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "oci/image.h"
#include "oci/platform.h"
#include "oci/source.h"
#include "oci/store/store.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

struct LayerProgress {
  enum class State {
    waiting,  // for a thread, or for another process that pulls the same layer
    pulling,
    done,     // unpacked and verified
    present,  // was in the store already
  };
  std::size_t layer = 0;  // its place in the manifest
  std::size_t layers = 0;
  Digest digest;  // as served
  std::uint64_t bytes = 0;
  std::uint64_t total = 0;
  State state = State::waiting;
};

// How a pull that succeeded went.
struct PullReport {
  std::uint64_t bytes = 0;  // of the layers that were pulled, as served
  std::size_t pulled = 0;
  std::size_t present = 0;
  Clock::duration asking{};     // for manifest and config
  Clock::duration layers{};     // until the last one was unpacked
  Clock::duration finishing{};  // fix-up layer and record
};

struct PullOptions {
  // Under which the image is found again, in normal form; empty: only by its digest.
  std::string reference;
  Platform platform = Platform::host();
  // Called from several threads, one at a time; at most a few times per MiB.
  std::function<void(const LayerProgress&)> progress;
  std::stop_token stop;
  std::size_t threads = 1;  // layers at a time
  PullReport* report = nullptr;
};

// Errors of one layer begin with "layer 3/9 sha256:...". Nothing of a failed pull is used, but
// layers that were complete stay for the next one.
Result<Image> pull(Source& source, Store& store, const PullOptions& options);

}  // namespace podpilot::oci
