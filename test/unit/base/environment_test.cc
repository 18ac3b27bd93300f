// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/environment.h"

#include <unistd.h>

#include <utility>

#include "test/catch.h"

using namespace podpilot;

namespace {

// In the place of the process's own.
class Environ {
 public:
  explicit Environ(char** entries) : own_(std::exchange(::environ, entries)) {}
  ~Environ() { ::environ = own_; }

 private:
  char** own_;
};

}  // namespace

TEST_CASE("variables are wiped by their names, all of one name", "[base]") {
  char secret[] = "SECRET=abc";
  char other[] = "SECRETS=abc";
  char no_variable[] = "SECRET";
  char again[] = "SECRET=d=e";
  char empty[] = "EMPTY=";
  char* entries[] = {secret, other, no_variable, again, empty, nullptr};
  const Environ in_place(entries);
  wipe_environment([](std::string_view name) { return name == "SECRET" || name == "EMPTY"; });
  CHECK(environment() == std::vector<std::string>{"SECRETS=abc", "SECRET"});
  CHECK(std::string_view(secret, sizeof secret) == std::string_view("SECRET=\0\0\0\0", 11));
  CHECK(std::string_view(again, sizeof again) == std::string_view("SECRET=\0\0\0\0", 11));
}

TEST_CASE("an environment that was cleared is empty", "[base]") {
  const Environ none(nullptr);
  wipe_environment([](std::string_view) { return true; });
  CHECK(environment().empty());
}
