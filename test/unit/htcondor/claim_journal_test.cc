// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/claim_journal.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "test/catch.h"
#include "test/support/temp_dir.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace podpilot::agent::htcondor;

namespace {

std::size_t files_in(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

const Sinful kSchedd = *parse_sinful("<10.0.0.9:9618?alias=ap.example.org&sock=schedd_1>");

}  // namespace

TEST_CASE("only claims of a pilot that is gone are found") {
  const test::TempDir tmp;
  const std::string folder = tmp.path() + "/claims";
  const SecretClaimId first = mint_claim_id("<10.0.0.1:1>", 1700000000, 1);
  const SecretClaimId second = mint_claim_id("<10.0.0.1:1>", 1700000000, 2);
  Result<ClaimJournal> later = ClaimJournal::open(folder);
  REQUIRE(later);
  {
    Result<ClaimJournal> pilot = ClaimJournal::open(folder);
    REQUIRE(pilot);
    REQUIRE(pilot->add(1, kSchedd, first));
    REQUIRE(pilot->add(2, kSchedd, second));
    CHECK(files_in(folder) == 2);
    CHECK(later->orphans()->empty());
    pilot->remove(1);
    pilot->remove(7);
  }
  Result<std::vector<ClaimJournal::Orphan>> orphans = later->orphans();
  REQUIRE(orphans);
  REQUIRE(orphans->size() == 1);
  CHECK(orphans->front().claim_id == second);
  CHECK(orphans->front().schedd == kSchedd);

  // Whoever has it has it alone.
  CHECK(ClaimJournal::open(folder)->orphans()->empty());
  orphans->clear();
  CHECK(later->orphans()->size() == 1);
  later->settle(later->orphans()->front());
  CHECK(files_in(folder) == 0);
}

TEST_CASE("a journal is nobody else's to read") {
  const test::TempDir tmp;
  const std::string folder = tmp.path() + "/claims";
  Result<ClaimJournal> pilot = ClaimJournal::open(folder);
  REQUIRE(pilot);
  REQUIRE(pilot->add(1, kSchedd, mint_claim_id("<10.0.0.1:1>", 1700000000, 1)));
  struct stat st{};
  REQUIRE(::stat(folder.c_str(), &st) == 0);
  CHECK((st.st_mode & 0777) == 0700);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    REQUIRE(::stat(entry.path().c_str(), &st) == 0);
    CHECK((st.st_mode & 0777) == 0600);
  }
}

TEST_CASE("what is no journalled claim goes, what is being written stays") {
  const test::TempDir tmp;
  const Result<ClaimJournal> pilot = ClaimJournal::open(tmp.path());
  REQUIRE(pilot);
  const std::string claim = mint_claim_id("<10.0.0.1:1>", 1700000000, 1).reveal();
  const std::pair<const char*, std::string> bad[] = {
      {"empty", ""},
      {"cut", format(kSchedd) + "\n" + claim.substr(0, 20)},
      {"no_schedd", "nowhere at all\n" + claim + "\n"},
      {"more", format(kSchedd) + "\n" + claim + "\nand more\n"},
      {"large", std::string(100'000, 'x')},
  };
  for (const auto& [name, text] : bad) std::ofstream(tmp.path() + "/" + name) << text;
  std::ofstream(tmp.path() + "/.draft") << format(kSchedd);
  CHECK(pilot->orphans()->empty());
  CHECK(files_in(tmp.path()) == 1);

  // A month later it is no draft any more.
  const timespec month_ago[2] = {{::time(nullptr) - 31 * 86400, 0},
                                 {::time(nullptr) - 31 * 86400, 0}};
  REQUIRE(::utimensat(AT_FDCWD, (tmp.path() + "/.draft").c_str(), month_ago, 0) == 0);
  CHECK(pilot->orphans()->empty());
  CHECK(files_in(tmp.path()) == 0);
}
