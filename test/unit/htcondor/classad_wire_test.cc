// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/classad/wire.h"

#include "agent/scheduler/htcondor/classad/text.h"
#include "test/catch.h"
#include "test/unit/htcondor/golden.h"

using namespace podpilot;
using namespace podpilot::agent::htcondor;

TEST_CASE("an ad goes through a message", "[classad][wire]") {
  const Ad slot = test::golden_ad("25.14.1/slot.ad");
  for (const Coding coding : {Coding::clear, Coding::encrypted}) {
    MessageWriter writer(coding);
    put_ad(writer, slot);
    writer.integer(7);
    MessageReader reader(writer.body(), coding);
    const auto read = get_ad(reader);
    REQUIRE(read);
    CHECK(read->size() == slot.size());
    CHECK(format_ad(*read) == format_ad(slot));
    CHECK(reader.integer().value() == 7);
    CHECK(reader.left() == 0);
  }
}

TEST_CASE("secrets are in the ad, announced or not", "[classad][wire]") {
  Ad ad;
  ad.set("ClaimId", "<1.2.3.4:5>#1#2#secret");
  MessageWriter writer(Coding::encrypted);
  put_ad(writer, ad);
  MessageReader reader(writer.body(), Coding::encrypted);
  CHECK(get_ad(reader)->string("claimid") == "<1.2.3.4:5>#1#2#secret");

  MessageWriter announced;
  announced.integer(2)
      .string("A = 1")
      .string("ZKM")
      .string("ClaimId = \"x\"")
      .string("")
      .string("");
  MessageReader second(announced.body(), Coding::clear);
  const auto read = get_ad(second);
  REQUIRE(read);
  CHECK(read->string("ClaimId") == "x");
  CHECK(read->integer("A") == 1);
}

TEST_CASE("messages that are no ad", "[classad][wire]") {
  const auto read = [](const MessageWriter& writer) {
    MessageReader reader(writer.body(), Coding::clear);
    return get_ad(reader);
  };
  CHECK(read(MessageWriter().integer(0).string("").string("")));
  CHECK_FALSE(read(MessageWriter().integer(-1).string("").string("")));
  CHECK_FALSE(read(MessageWriter().integer(kMaxAttributes + 1)));
  CHECK_FALSE(read(MessageWriter().integer(2).string("A = 1").string("").string("")));
  CHECK_FALSE(read(MessageWriter().integer(1).string("A")));
  CHECK_FALSE(read(MessageWriter().integer(1).string("A = (").string("").string("")));
  CHECK_FALSE(read(MessageWriter().integer(1).string("A = 1")));
}
