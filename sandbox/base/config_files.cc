// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/config_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot {
namespace {

constexpr std::size_t kMaxFileBytes = 16 << 20;
constexpr std::size_t kMaxAllBytes = 64 << 20;

std::optional<ConfigFiles>& served() {
  static std::optional<ConfigFiles> files;
  return files;
}

// "LENGTH:BYTES" off the front of `text`.
std::optional<std::string> take_string(std::string_view& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto length = parse_number(text.substr(0, colon));
  text.remove_prefix(colon + 1);
  if (!length || *length > text.size()) return std::nullopt;
  std::string out(text.substr(0, *length));
  text.remove_prefix(*length);
  return out;
}

}  // namespace

Result<ConfigFiles> ConfigFiles::read(const std::vector<std::string>& paths) {
  ConfigFiles out;
  for (const std::string& path : paths) {
    Result<std::string> bytes = read_file(path, kMaxFileBytes);
    if (bytes)
      out.files_[path] = *std::move(bytes);
    else if (bytes.error().fault != Fault::not_found && bytes.error().fault != Fault::denied)
      return std::move(bytes).error();
  }
  return out;
}

Result<UniqueFd> ConfigFiles::to_memory() const {
  std::string text;
  for (const auto& [path, bytes] : files_)
    text += fmt::format("{}:{}{}:{}", path.size(), path, bytes.size(), bytes);
  return memory_file("config-files", text);
}

Result<ConfigFiles> ConfigFiles::from_memory(BorrowedFd fd) {
  const std::string text = TRY(read_all(fd, kMaxAllBytes));
  std::string_view left = text;
  ConfigFiles out;
  while (!left.empty()) {
    std::optional<std::string> path = take_string(left);
    std::optional<std::string> bytes = take_string(left);
    if (!path || !bytes) return Error{Fault::corrupt, "configuration files: cut short"};
    out.files_[*std::move(path)] = *std::move(bytes);
  }
  return out;
}

const std::string* ConfigFiles::find(const std::string& path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : &found->second;
}

std::vector<std::string> ConfigFiles::names_in(const std::string& folder) const {
  const std::string prefix = folder + "/";
  std::vector<std::string> names;
  for (auto file = files_.lower_bound(prefix); file != files_.end(); ++file) {
    if (!file->first.starts_with(prefix)) break;
    std::string name = file->first.substr(prefix.size());
    if (name.find('/') == std::string::npos) names.push_back(std::move(name));
  }
  return names;
}

void serve_config_files(ConfigFiles files) {
  // Else glibc reads /etc/localtime as soon as anybody asks for a local time, and not by fopen(3).
  // It takes any name for that of a file below /usr first, but for an absolute path; a file without
  // transitions is UTC.
  ::setenv("TZ", "/dev/null", 1);
  served() = std::move(files);
}

const ConfigFiles* served_config_files() {
  return served() ? &*served() : nullptr;
}

Result<std::string> read_config_file(const std::string& path, std::size_t limit) {
  const ConfigFiles* files = served_config_files();
  if (!files) return read_file(path, limit);
  const std::string* bytes = files->find(path);
  if (!bytes) return sys_error("open " + path, ENOENT);
  if (bytes->size() > limit)
    return Error{Fault::invalid, fmt::format("{}: larger than the limit of {} bytes", path, limit)};
  return *bytes;
}

std::vector<std::string> config_file_names(const std::string& folder) {
  if (const ConfigFiles* files = served_config_files()) return files->names_in(folder);
  const Result<DirFd> open = open_dir(folder);
  if (!open) return {};
  std::vector<std::string> names = list_names(*open).value_or(std::vector<std::string>());
  std::ranges::sort(names);
  return names;
}

}  // namespace podpilot

// CMakeLists.txt passes --wrap=fopen and --wrap=fopen64 to the linker: all calls in our code and in
// the libraries come here.
extern "C" {

FILE* __real_fopen(const char* path, const char* mode);

FILE* __wrap_fopen(const char* path, const char* mode) {
  const podpilot::ConfigFiles* files = podpilot::served_config_files();
  if (!files) return __real_fopen(path, mode);
  const std::string* bytes = files->find(path);
  if (!bytes || mode[0] != 'r') {
    errno = bytes ? EROFS : ENOENT;
    return nullptr;
  }
  return ::fmemopen(const_cast<char*>(bytes->data()), bytes->size(), "r");
}

FILE* __wrap_fopen64(const char* path, const char* mode) {
  return __wrap_fopen(path, mode);
}

}  // extern "C"
