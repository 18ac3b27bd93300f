// SPDX-License-Identifier: Apache-2.0
// test/fakes/registry.py as a child of the test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/process.h"

namespace podpilot::test {

class FakeRegistry {
 public:
  struct Seen {
    std::string method;
    std::string path;
    std::string query;
    std::string body;
    std::string authorization;
    std::string range;
  };

  // `script` is a JSON list of rules (see the script); it may span lines. With `certificate` and
  // `key` it speaks https. Aborts where it cannot start.
  explicit FakeRegistry(std::string script, const std::string& certificate = "",
                        const std::string& key = "");

  int port() const { return port_; }
  std::string host() const { return "localhost:" + std::to_string(port_); }
  // What was asked so far, in order; only of this path if it is not "". Not with https.
  std::vector<Seen> seen(std::string_view path = "");

 private:
  UniqueFd stdin_;  // closing it ends the server
  ChildProcess child_;
  int port_ = 0;
};

// The bytes of a rule with "size".
std::string fake_bytes(std::size_t size);

}  // namespace podpilot::test
