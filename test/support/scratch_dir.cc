// SPDX-License-Identifier: Apache-2.0
#include "test/support/scratch_dir.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "sandbox/base/io.h"
#include "sandbox/base/path.h"

namespace podpilot::test {
namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace

ScratchDir::ScratchDir(std::string_view name) {
  const char* base = std::getenv("TMPDIR");
  path_ = fmt::format("{}/{}.XXXXXX", base && *base ? base : "/tmp", name);
  if (!::mkdtemp(path_.data())) throw std::runtime_error("mkdtemp " + path_);
  fd_ = must(open_dir(path_));
}

ScratchDir::~ScratchDir() {
  fd_.reset();
  const auto parent = open_dir(path_.substr(0, path_.rfind('/')));
  if (parent) [[maybe_unused]]
    const auto removed = remove_tree(*parent, path_.substr(path_.rfind('/') + 1));
}

void ScratchDir::folder(const std::string& name, mode_t mode) const {
  must(make_dirs(*this / name, 0755));
  if (::chmod((*this / name).c_str(), mode) != 0) throw std::runtime_error("chmod " + name);
}

void ScratchDir::write(const std::string& name, std::string_view content, mode_t mode) const {
  if (const std::size_t slash = name.rfind('/'); slash != std::string::npos)
    must(make_dirs(*this / name.substr(0, slash), 0755));
  const UniqueFd fd(::open((*this / name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) throw std::runtime_error("create " + name);
  must(write_all(fd, content));
  if (::fchmod(fd.get(), mode) != 0) throw std::runtime_error("chmod " + name);
}

void ScratchDir::link(const std::string& name, const std::string& points_at) const {
  if (const std::size_t slash = name.rfind('/'); slash != std::string::npos)
    must(make_dirs(*this / name.substr(0, slash), 0755));
  if (::symlink(points_at.c_str(), (*this / name).c_str()) != 0)
    throw std::runtime_error("symlink " + name);
}

std::string ScratchDir::read(const std::string& name) const {
  return must(read_file(*this / name, 64 << 20));
}

}  // namespace podpilot::test
