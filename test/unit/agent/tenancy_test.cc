// SPDX-License-Identifier: Apache-2.0
#include "agent/tenancy.h"

#include <vector>

#include "sandbox/rung.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;

TEST_CASE("whose jobs a pod takes, and when it makes room", "[agent][tenancy]") {
  struct Row {
    const char* what;
    Tenancy tenancy;
    const char* submitter;
    bool has_work;
    Ruling ruling;
  };
  const Tenancy any{};
  const Tenancy open{.one = true, .submitter = {}};
  const Tenancy alices{.one = true, .submitter = "alice"};
  const std::vector<Row> rows = {
      {"anybody's pod", any, "alice", true, Ruling::accept},
      {"anybody's pod does not ask", any, "", false, Ruling::accept},
      {"nobody's yet", open, "alice", false, Ruling::accept},
      {"nobody's yet, and a claim waits for its first job", open, "bob", true, Ruling::accept},
      {"nobody can be told from others", open, "", false, Ruling::refuse},
      {"its own", alices, "alice", false, Ruling::accept},
      {"its own, beside what runs", alices, "alice", true, Ruling::accept},
      {"another's, while its own has work", alices, "bob", true, Ruling::refuse},
      {"another's, and no work", alices, "bob", false, Ruling::retire},
      {"names are compared as they are", alices, "alice ", false, Ruling::retire},
      {"nobody's, while its own has work", alices, "", true, Ruling::refuse},
      {"nobody's, and no work", alices, "", false, Ruling::retire},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(rule(row.tenancy, row.submitter, row.has_work) == row.ruling);
  }
}

TEST_CASE("rungs that leave the pod's files in reach serve one user", "[agent][tenancy]") {
  using sandbox::Rung;
  CHECK_FALSE(serves_one_user(Rung::userns));
  CHECK(serves_one_user(Rung::userns_nomount));
  CHECK_FALSE(serves_one_user(Rung::transplant_setuid));
  CHECK(serves_one_user(Rung::transplant));
}
