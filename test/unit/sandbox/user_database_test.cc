// SPDX-License-Identifier: Apache-2.0
#include "sandbox/user_database.h"

#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::sandbox;

namespace {

constexpr std::string_view kPasswd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "# comment\n"
    "broken line\n"
    "huge:x:4294967296:0::/:/bin/sh\n"
    "app:x:1000:100:App:/home/app:/bin/sh\n"
    "odd:x:5:5:::\n"
    "1234:x:77:78::/home/number:/bin/sh";
constexpr std::string_view kGroup =
    "root:x:0:\nusers:x:100:\nvideo:x:44:bob,app\nrender:x:106:app\nbad:x:99999999999:app\n";

}  // namespace

TEST_CASE("users are found by name and by id", "[sandbox][user]") {
  struct Row {
    const char* wanted;
    std::uint32_t uid;
    std::uint32_t gid;
    const char* home;
  };
  const Row rows[] = {
      {"", 0, 0, "/root"},
      {"root", 0, 0, "/root"},
      {"0", 0, 0, "/root"},
      {"app", 1000, 100, "/home/app"},
      {"1000", 1000, 100, "/home/app"},
      {"app:video", 1000, 44, "/home/app"},
      {"app:7", 1000, 7, "/home/app"},
      {"4242", 4242, 0, "/"},
      {"4242:4243", 4242, 4243, "/"},
      {"app:", 1000, 100, "/home/app"},
      {"odd", 5, 5, "/"},
      {"4294967294", 4294967294U, 0, "/"},
      {"1234", 1234, 0, "/"},  // digits are an id, whatever users are called
  };
  for (const Row& row : rows) {
    INFO(row.wanted);
    const Result<User> user = find_user(row.wanted, kPasswd, kGroup);
    REQUIRE(user);
    CHECK(user->identity.uid == row.uid);
    CHECK(user->identity.gid == row.gid);
    CHECK(user->home == row.home);
  }
}

TEST_CASE("supplementary groups come from the image unless a group is named", "[sandbox][user]") {
  CHECK(find_user("app", kPasswd, kGroup)->identity.groups == std::vector<std::uint32_t>{44, 106});
  CHECK(find_user("app:users", kPasswd, kGroup)->identity.groups.empty());
}

TEST_CASE("users that cannot be", "[sandbox][user]") {
  for (const char* wanted : {"4294967296", "4294967295", "99999999999999999999", "0:4294967295"})
    CHECK(find_user(wanted, kPasswd, kGroup).error().fault == Fault::invalid);
  for (const char* wanted : {"nobody", "app:nogroup", "huge", "bad:bad", "-1", "+5", " app"})
    CHECK(find_user(wanted, kPasswd, kGroup).error().fault == Fault::not_found);
}

TEST_CASE("endless lines and files end", "[sandbox][user]") {
  const std::string long_line(1 << 20, 'a');
  CHECK(find_user("app", long_line + "\n" + std::string(kPasswd), kGroup)->identity.uid == 1000);
  std::string groups;
  for (int i = 0; i < 5000; ++i)
    groups += "g" + std::to_string(i) + ":x:" + std::to_string(i) + ":app\n";
  CHECK(find_user("app", kPasswd, groups)->identity.groups.size() == 1000);
}
