// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sandbox/base/io.h"
#include "sandbox/base/json.h"
#include "test/catch.h"
#include "test/support/scratch_dir.h"

using namespace podpilot;

namespace {

// What one call wrote to stderr.
std::string written(log::Format format, log::Level level, std::string_view event,
                    std::initializer_list<log::Field> fields) {
  const test::ScratchDir dir;
  const UniqueFd before(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10));
  const UniqueFd file(::open((dir / "log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ::dup2(file.get(), STDERR_FILENO);
  log::configure(log::Level::info, format);
  log::write(level, event, fields);
  log::configure(log::Level::info, log::Format::text);
  ::dup2(before.get(), STDERR_FILENO);
  return dir.read("log");
}

std::string text(std::initializer_list<log::Field> fields) {
  const std::string line = written(log::Format::text, log::Level::info, "pulled", fields);
  REQUIRE(std::count(line.begin(), line.end(), '\n') == 1);
  REQUIRE(line.back() == '\n');
  return line.substr(line.find("pulled"), line.size() - line.find("pulled") - 1);
}

}  // namespace

TEST_CASE("values cannot forge a line nor a field", "[base][log]") {
  CHECK(text({{"image", "busybox"}, {"n", "3"}}) == "pulled image=busybox n=3");
  CHECK(text({{"a", "x y"}}) == R"(pulled a="x y")");
  CHECK(text({{"a", ""}}) == R"(pulled a="")");
  CHECK(text({{"a", "x\n12:00:00Z error: forged"}}) ==
        R"(pulled a="x\x0a12:00:00Z error: forged")");
  CHECK(text({{"a", "x\" admin=\"yes"}}) == R"(pulled a="x\" admin=\"yes")");
  CHECK(text({{"a", "x\\\" b=1"}}) == R"(pulled a="x\\\" b=1")");
  CHECK(text({{"a", "\x1b[2J"}}) == R"(pulled a=\x1b[2J)");
}

TEST_CASE("a JSON line is JSON, whatever the bytes", "[base][log]") {
  const std::string line = written(log::Format::json, log::Level::error, "a\"b\n",
                                   {{"k\"", "v\n\"}\xff"}, {"image", "x"}});
  CHECK(std::count(line.begin(), line.end(), '\n') == 1);
  const Json json = parse_json(line).value();
  CHECK(json.at("event") == "a\"b\n");
  CHECK(json.at("level") == "error");
  CHECK(json.at("k\"") == "v\n\"}\xEF\xBF\xBD");
  CHECK(json.at("time").get<std::string>().size() ==
        std::string("2026-01-01T00:00:00.000Z").size());
}

TEST_CASE("what is below the level is not written", "[base][log]") {
  CHECK(written(log::Format::text, log::Level::debug, "x", {}) == "");
  CHECK(written(log::Format::text, log::Level::warning, "x", {}).ends_with("Z warning: x\n"));
}
