// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/security/literal_ad.h"

#include "test/catch.h"

namespace podpilot::agent::htcondor {
namespace {

Result<LiteralAd> read(const std::vector<std::string>& lines,
                       std::optional<std::int64_t> count = {}) {
  MessageWriter out;
  out.integer(count.value_or(static_cast<std::int64_t>(lines.size())));
  for (const std::string& line : lines) out.string(line);
  out.string("").string("");
  MessageReader in(out.body(), Coding::clear);
  return get_literal_ad(in);
}

TEST_CASE("literals of every kind", "[htcondor][security]") {
  const auto ad =
      read({"Text = \"a \\\"b\\\" \\n c\\\"", "Number=-7", "Yes = TRUE", "no = false",
            "Real = 1.5E0", "Undefined = undefined", "Expression = time()", "List = { 1 }"});
  REQUIRE(ad);
  CHECK(ad->string("text") == "a \"b\" \\n c\\");
  CHECK(ad->integer("NUMBER") == -7);
  CHECK(ad->boolean("yes") == true);
  CHECK(ad->boolean("No") == false);
  CHECK(ad->has("real"));
  CHECK_FALSE(ad->has("undefined"));
  CHECK_FALSE(ad->has("expression"));
  CHECK_FALSE(ad->has("list"));
  // Of another type, or absent.
  CHECK(ad->string("Number") == "");
  CHECK_FALSE(ad->integer("Text"));
  CHECK_FALSE(ad->boolean("Nothing"));
}

TEST_CASE("a secret line counts once", "[htcondor][security]") {
  MessageWriter out;
  out.integer(2).string("ZKM").string("ClaimId = \"x\"").string("A = 1").string("").string("");
  MessageReader in(out.body(), Coding::clear);
  const auto ad = get_literal_ad(in);
  REQUIRE(ad);
  CHECK(ad->string("ClaimId") == "x");
  CHECK(ad->integer("A") == 1);
}

TEST_CASE("an ad that is written is read", "[htcondor][security]") {
  LiteralAd ad;
  ad.set("Text", "say \"hi\"").set("Path", "C:\\x").set("Flag", true);
  ad.set("Number", std::int64_t{42}).set("NUMBER", std::int64_t{43});
  MessageWriter out(Coding::encrypted);
  put_literal_ad(out, ad);
  MessageReader in(out.body(), Coding::encrypted);
  const auto again = get_literal_ad(in);
  REQUIRE(again);
  CHECK(in.left() == 0);
  CHECK(again->string("Text") == "say \"hi\"");
  CHECK(again->string("Path") == "C:\\x");
  CHECK(again->boolean("Flag") == true);
  CHECK(again->integer("Number") == 43);
}

TEST_CASE("a security ad that is none is refused", "[htcondor][security]") {
  CHECK(read(std::vector<std::string>(100, "A = 1")));
  CHECK_FALSE(read(std::vector<std::string>(101, "A = 1")));
  CHECK_FALSE(read({"A = 1"}, 3));
  CHECK_FALSE(read({"A = 1"}, -2));
  for (const char* line : {"", "A", "= 1", "1a = 1", "a b = 1", "a-b = 1"}) {
    CAPTURE(line);
    const auto ad = read({line});
    REQUIRE_FALSE(ad);
    CHECK(ad.error().fault == Fault::invalid);
  }
}

}  // namespace
}  // namespace podpilot::agent::htcondor
