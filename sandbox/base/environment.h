// SPDX-License-Identifier: Apache-2.0
// The process's own environment (environ(7)).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace podpilot {

// "NAME=VALUE", in the order in which they are there.
std::vector<std::string> environment();

// Takes the variables of these names out of it, and their values out of our memory, where
// /proc/PID/environ would show them. No other thread may use the environment meanwhile.
void wipe_environment(const std::function<bool(std::string_view name)>& which);

}  // namespace podpilot
