// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/environment.h"

#include <stdlib.h>  // unsetenv
#include <string.h>  // explicit_bzero
#include <unistd.h>

namespace podpilot {

std::vector<std::string> environment() {
  std::vector<std::string> out;
  for (char** entry = ::environ; entry && *entry; ++entry) out.emplace_back(*entry);
  return out;
}

void wipe_environment(const std::function<bool(std::string_view name)>& which) {
  std::vector<std::string> names;
  for (char** entry = ::environ; entry && *entry; ++entry) {
    const std::string_view variable = *entry;
    const std::size_t equals = variable.find('=');
    if (equals == std::string_view::npos || !which(variable.substr(0, equals))) continue;
    explicit_bzero(*entry + equals + 1, variable.size() - equals - 1);
    names.emplace_back(variable.substr(0, equals));
  }
  for (const std::string& name : names) ::unsetenv(name.c_str());
}

}  // namespace podpilot
