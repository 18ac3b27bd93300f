// SPDX-License-Identifier: Apache-2.0
#include "test/support/temp_dir.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace podpilot::test {
namespace {

namespace fs = std::filesystem;

void require(bool good, std::string_view what) {
  if (good) return;
  std::fprintf(stderr, "TempDir: cannot %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace

std::string in_memory() {
  return ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

TempDir::TempDir(const std::string& parent) {
  std::string name = parent + "/podpilot-test.XXXXXX";
  require(::mkdtemp(name.data()) != nullptr, "make a temporary folder");
  path_ = name;
  fd_ = UniqueFd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  require(static_cast<bool>(fd_), "open it");
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string TempDir::operator/(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

void TempDir::write(std::string_view name, std::string_view bytes) const {
  const fs::path file = *this / name;
  std::error_code ignored;
  fs::create_directories(file.parent_path(), ignored);
  std::ofstream out(file, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  require(static_cast<bool>(out), "write " + file.string());
}

void TempDir::make_dir(std::string_view name) const {
  std::error_code error;
  fs::create_directories(*this / name, error);
  require(!error, "make a folder");
}

std::string TempDir::read(std::string_view name) const {
  std::ifstream in(*this / name, std::ios::binary);
  require(static_cast<bool>(in), "read " + std::string(name));
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool TempDir::has(std::string_view name) const {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(*this / name, ignored));
}

}  // namespace podpilot::test
