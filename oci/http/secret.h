// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string.h>  // explicit_bzero

#include <string>
#include <string_view>
#include <utility>

namespace podpilot::oci {

// A password or token: its memory is wiped, and there is no way to print it by accident.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) { wipe(value); }
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { wipe(other.value_); }
  Secret& operator=(Secret other) noexcept {
    value_.swap(other.value_);
    return *this;
  }
  ~Secret() { wipe(value_); }

  bool empty() const { return value_.empty(); }
  // For the one place that sends it.
  const std::string& reveal() const { return value_; }

 private:
  // A short string lives inside its object: moving from it leaves a copy behind.
  static void wipe(std::string& text) {
    text.resize(text.capacity());
    explicit_bzero(text.data(), text.size());
    text.clear();
  }
  std::string value_;
};

}  // namespace podpilot::oci
