// SPDX-License-Identifier: Apache-2.0
// Text from outside made fit for a line, and numbers made fit for people.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podpilot {

// Control characters and bytes that are not UTF-8 become \xNN, so that one value stays one line.
std::string printable(std::string_view text);

// "754.3 MB" (powers of 1000, as registries count).
std::string human_bytes(std::uint64_t bytes);

// "1.24 s", "310 ms".
std::string human_duration(std::chrono::nanoseconds duration);

// "2GiB", "500M" (decimal), "512Mi" (as Kubernetes), "1024". Nothing else, no sign, no overflow.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

// "30s", "5m", "2h", "1d", "250ms"; a bare number is seconds.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// All of `text` as a decimal number within T's range; no sign, no space.
std::optional<std::uint64_t> parse_number(std::string_view text);

std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace podpilot
