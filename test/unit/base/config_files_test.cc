// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/config_files.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>

#include "sandbox/base/io.h"
#include "test/catch.h"
#include "test/support/scratch_dir.h"

using namespace podpilot;
using podpilot::test::ScratchDir;

namespace {

// What is served is the process', for good.
template <typename Work>
bool in_a_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  int status = 0;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

std::string slurp(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "r");
  if (!file) return "nothing";
  std::array<char, 64> text{};
  const std::size_t n = std::fread(text.data(), 1, text.size(), file);
  std::fclose(file);
  return {text.data(), n};
}

}  // namespace

TEST_CASE("what cannot be read is left out, a folder is an error", "[base][config_files]") {
  const ScratchDir dir;
  dir.write("names", "localhost");
  dir.write("empty", "");
  dir.folder("folder");
  const auto files = ConfigFiles::read({dir / "names", dir / "empty", dir / "absent"});
  REQUIRE(files);
  CHECK(*files->find(dir / "names") == "localhost");
  CHECK(files->find(dir / "empty")->empty());
  CHECK(files->find(dir / "absent") == nullptr);
  const auto folder = ConfigFiles::read({dir / "folder"});
  REQUIRE_FALSE(folder);
  CHECK(folder.error().text.find("folder") != std::string::npos);
}

TEST_CASE("files come out of memory as they went in, and not if cut short",
          "[base][config_files]") {
  const ScratchDir dir;
  const std::string odd("3:a\0\n7:", 7);
  dir.write("odd", odd);
  dir.write("plain", "nameserver 127.0.0.1");
  const auto files = ConfigFiles::read({dir / "odd", dir / "plain"});
  REQUIRE(files);
  const auto memory = files->to_memory();
  REQUIRE(memory);
  const auto back = ConfigFiles::from_memory(*memory);
  REQUIRE(back);
  CHECK(*back->find(dir / "odd") == odd);
  CHECK(*back->find(dir / "plain") == "nameserver 127.0.0.1");

  const auto whole = files->to_memory();
  REQUIRE(whole);
  const std::string text = read_all(*whole, 1000).value();
  for (const std::string& broken :
       {text.substr(0, text.size() - 1), text + "x", std::string("9:")}) {
    dir.write("broken", broken);
    const UniqueFd fd(::open((dir / "broken").c_str(), O_RDONLY | O_CLOEXEC));
    const auto cut = ConfigFiles::from_memory(fd);
    REQUIRE_FALSE(cut);
    CHECK(cut.error().fault == Fault::corrupt);
  }
}

TEST_CASE("what is served hides the disk from fopen and from us", "[base][config_files]") {
  const ScratchDir dir;
  dir.write("names", "ours");
  dir.write("empty", "");
  const auto files = ConfigFiles::read({dir / "names", dir / "empty"});
  REQUIRE(files);
  dir.write("names", "theirs");
  dir.write("late", "theirs");
  CHECK(slurp(dir / "names") == "theirs");
  CHECK(read_config_file(dir / "names", 10).value() == "theirs");
  CHECK(in_a_child([&] {
    serve_config_files(*files);
    const auto late = read_config_file(dir / "late", 10);
    const auto large = read_config_file(dir / "names", 3);
    const std::time_t noon = 12L * 3600;
    std::tm local{};
    return slurp(dir / "names") == "ours" && slurp(dir / "empty").empty() &&
           slurp(dir / "late") == "nothing" &&
           read_config_file(dir / "names", 10).value() == "ours" && !late &&
           late.error().fault == Fault::not_found && !large &&
           large.error().fault == Fault::invalid &&
           std::fopen((dir / "names").c_str(), "w") == nullptr &&
           ::localtime_r(&noon, &local) != nullptr && local.tm_hour == 12;
  }));
}
