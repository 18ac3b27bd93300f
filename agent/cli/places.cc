// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/places.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace podpilot::agent {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value && value[0] == '/' ? value : "";
}

}  // namespace

std::string absolute_path(const std::string& path) {
  std::error_code failed;
  const std::filesystem::path full = std::filesystem::absolute(path, failed);
  std::string text = failed ? path : full.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

std::string cache_folder(const Options& options) {
  if (options.has("cache")) return absolute_path(options.text("cache"));
  if (::access("/pod", W_OK) == 0) return "/pod/cache";
  if (const std::string xdg = variable("XDG_CACHE_HOME"); !xdg.empty()) return xdg + "/podpilot";
  if (const std::string home = variable("HOME"); !home.empty() && ::access(home.c_str(), W_OK) == 0)
    return home + "/.cache/podpilot";
  return fmt::format("/tmp/podpilot-{}", ::geteuid());
}

Result<oci::Store> open_cache(const Options& options) {
  const bool trusted = options.has("trust-cache-locks");
  return oci::Store::open(cache_folder(options),
                          trusted ? oci::Locks::trusted : oci::Locks::as_proven);
}

std::string scratch_folder(const Options& options) {
  return options.has("scratch") ? absolute_path(options.text("scratch"))
                                : cache_folder(options) + "/scratch";
}

}  // namespace podpilot::agent
