// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>

#include "agent/version.h"

int main() {
  const auto& info = podpilot::agent::build_info();
  std::printf("podpilot %s\n", std::string(info.version).c_str());
  return 0;
}
