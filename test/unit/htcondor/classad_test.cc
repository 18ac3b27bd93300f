// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "agent/scheduler/htcondor/classad/ad.h"
#include "agent/scheduler/htcondor/classad/expression.h"
#include "agent/scheduler/htcondor/classad/text.h"
#include "test/catch.h"
#include "test/unit/htcondor/golden.h"

using namespace podpilot;
using namespace podpilot::agent::htcondor;

namespace {

std::string evaluated(const std::string& expression, const Ad& mine = {},
                      const Ad* target = nullptr) {
  Ad ad = mine;
  const auto set = ad.set_expression("TheResult", expression);
  return set ? ad.value("TheResult", target) : "no expression: " + set.error().text;
}

std::string unparsed(const std::string& expression) {
  Ad ad;
  const auto set = ad.set_expression("x", expression);
  return set ? *ad.expression("x") : "";
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

}  // namespace

TEST_CASE("expressions have the values that HTCondor's own tool gives them", "[classad]") {
  const auto rows = test::golden_rows("values.tsv");
  REQUIRE(rows.size() > 300);
  for (const test::Row& row : rows) {
    INFO(row.left);
    CHECK(evaluated(row.left) == row.right);
  }
}

TEST_CASE("names are found in MY and TARGET as in a real match", "[classad]") {
  Ad mine, target;
  int checked = 0;
  for (const test::Row& row : test::golden_rows("match.tsv")) {
    INFO(row.left);
    if (row.left == "my") {
      REQUIRE(add_line(mine, row.right));
    } else if (row.left == "target") {
      REQUIRE(add_line(target, row.right));
    } else {
      CHECK(evaluated(row.left, mine, &target) == row.right);
      ++checked;
    }
  }
  CHECK(checked == 40);
  CHECK(matches(mine, target));
  CHECK_FALSE(matches(target, mine));
  CHECK_FALSE(matches(mine, Ad()));
}

TEST_CASE("values that the tool writes in another form", "[classad]") {
  const std::pair<const char*, const char*> table[] = {
      {"0.1 + 0.2", "0.3"},
      {"1e5", "100000.0"},
      {"1E-5", "1E-05"},
      {"-0.0", "-0.0"},
      {"pow(2,-1)", "0.5"},
      {"min({1.5,1})", "1.0"},
      {"stringListAvg(\"1,2.0\")", "1.5"},
      {"regexps(\"a(.)c\",\"abc\",\"x\\1y\")", "\"xby\""},
      {"replaceAll(\"\",\"abc\",\"-\")", "error"},
      {"\"a\\b\"", "\"a\\b\""},
      {"\"a\\\"b\"", "\"a\\\"b\""},
      {"\"a\\\"", "\"a\\\""},  // a backslash before the last quote is a backslash
      {"time() > 1700000000", "true"},
      {"CurrentTime - time() < 2", "true"},
      {"random(1)", "0"},
      {"userHome(\"root\")", "error"},
      {"nofunc(1)", "error"},
  };
  for (const auto& [expression, value] : table) {
    INFO(expression);
    CHECK(evaluated(expression) == value);
  }
}

TEST_CASE("START as OSPool's pilots have it", "[classad]") {
  Ad slot;
  slot.set("GLIDEIN_ToRetire", 1'700'000'000);
  slot.set("Memory", 2048);
  REQUIRE(slot.set_checked_expression(
      "Start",
      "(time() < GLIDEIN_ToRetire || isUndefined(GLIDEIN_ToRetire)) && "
      "(isString(TARGET.ProjectName) ? substr(TARGET.ProjectName, 0, 3) != \"bad\" : true) && "
      "stringListMember(TARGET.Site, \"A,B\") && (TARGET.Big ?: false) =?= false"));
  Ad job;
  job.set("Site", "B");
  CHECK_FALSE(matches(slot, job, "Start"));  // long retired
  slot.set("GLIDEIN_ToRetire", 9'000'000'000);
  CHECK(matches(slot, job, "Start"));
  job.set("ProjectName", "BadProject");
  CHECK_FALSE(matches(slot, job, "Start"));
  job.set("ProjectName", "good");
  CHECK(matches(slot, job, "Start"));
  job.set("Big", true);
  CHECK_FALSE(matches(slot, job, "Start"));
}

TEST_CASE("text that is no expression is refused", "[classad]") {
  for (const char* text : {"",
                           "1 +",
                           "(1",
                           "1 2",
                           "1 = 1",
                           "07",
                           "0x10",
                           "1.",
                           "1..2",
                           "{1,}",
                           "[a 1]",
                           "[a = 1",
                           "f(1",
                           "f(1,)",
                           "\"open",
                           "'open",
                           "a ? b",
                           "2 ** 3",
                           "/* open",
                           "@",
                           "1_0",
                           "1e",
                           "9223372036854775808",
                           "x.",
                           "x[1",
                           "a.1"}) {
    INFO(text);
    Ad ad;
    const auto set = ad.set_expression("x", text);
    REQUIRE_FALSE(set);
    CHECK(set.error().fault == Fault::invalid);
    CHECK_FALSE(ad.has("x"));
  }
}

TEST_CASE("an operator's expression must be one that can be evaluated", "[classad]") {
  Ad ad;
  CHECK(ad.set_checked_expression("Start", "time() > 0 && versionGE(\"2\", \"1\")"));
  const std::pair<const char*, const char*> table[] = {
      {"nofunc(1)", "Start: there is no function nofunc()"},
      {"true || {1, [a = nofunc()]}[0]", "Start: there is no function nofunc()"},
      {"substr(\"a\")", "Start: substr() does not take 1 arguments"},
  };
  for (const auto& [expression, text] : table) {
    const auto set = ad.set_checked_expression("Start", expression);
    REQUIRE_FALSE(set);
    CHECK(set.error().fault == Fault::unsupported);
    CHECK(set.error().text == text);
  }
  CHECK(ad.value("start") == "true");  // the one before
  CHECK_FALSE(parse_checked_ad("A = 1\nB = nofunc(2)\n"));
}

TEST_CASE("what an ad from outside can ask for is bounded", "[classad]") {
  CHECK(evaluated(repeated("(", 100) + "1" + repeated(")", 100)) == "1");
  CHECK(evaluated(repeated("(", 100'000) + "1" + repeated(")", 100'000)).starts_with("no expr"));
  CHECK(evaluated(repeated("!", 100'000) + "true").starts_with("no expr"));
  CHECK(evaluated("1" + repeated("[0]", 100'000)).starts_with("no expr"));
  CHECK(evaluated("1" + repeated("?1:1", 100'000)).starts_with("no expr"));
  CHECK(evaluated("1" + repeated(" + 1", 20'000)) == "20001");
  CHECK(evaluated("1" + repeated(" + 1", 200'000)) == "error");
  CHECK(evaluated(repeated("a", kMaxExpression + 1)).starts_with("no expr"));

  Ad ad;
  ad.set("Parens", repeated("(", 50'000));
  ad.set("Sum", "1" + repeated("+1", 100'000));
  CHECK(evaluated("eval(Parens)", ad) == "error");
  CHECK(evaluated("eval(Sum)", ad) == "error");

  // Each name stands for twice the one before: 2^40 steps, or bytes.
  ad.set("S0", "xxxxxxxxxxxxxxxx");
  ad.set("N0", 1);
  for (int i = 1; i <= 40; ++i) {
    const std::string before = std::to_string(i - 1), name = std::to_string(i);
    REQUIRE(ad.set_expression("S" + name, "strcat(S" + before + ", S" + before + ")"));
    REQUIRE(ad.set_expression("N" + name, "N" + before + " + N" + before));
    REQUIRE(ad.set_expression("L" + name, "{ L" + before + ", L" + before + " }"));
  }
  CHECK(ad.value("N10") == "1024");
  CHECK(ad.value("N40") == "error");
  CHECK(ad.value("S40") == "error");
  CHECK(ad.value("L40") == "error");

  REQUIRE(ad.set_expression("Ring", "Ring2 || true"));
  REQUIRE(ad.set_expression("Ring2", "Ring"));
  CHECK(ad.value("Ring") == "error");
  CHECK(evaluated("isError(Ring)", ad) == "error");

  ad.set("As", repeated("a", 60) + "b");
  CHECK(evaluated("regexp(\"^(a+)+$\", As)", ad) == "error");
}

TEST_CASE("attributes by name, whatever its case", "[classad]") {
  Ad ad;
  ad.set("Cpus", 2);
  ad.set("CPUS", 3);
  ad.set("Half", 0.5);
  ad.set("Yes", true);
  ad.set("Text", "a\"b");
  ad.set("List", std::vector<std::string>{"x", "y"});
  ad.set("Numbers", std::vector<std::int64_t>{1, 2});
  CHECK(ad.size() == 6);
  CHECK(ad.integer("cpus") == 3);
  CHECK(ad.real("cpus") == 3.0);
  CHECK(ad.integer("Half") == 0);
  CHECK(ad.integer("Yes") == 1);
  CHECK(ad.boolean("Cpus") == true);
  CHECK(ad.string("Text") == "a\"b");
  CHECK_FALSE(ad.string("Cpus"));
  CHECK_FALSE(ad.integer("Text"));
  CHECK_FALSE(ad.boolean("nothing"));
  CHECK(ad.expression("Text") == "\"a\\\"b\"");
  CHECK(ad.value("List") == "{ \"x\",\"y\" }");
  CHECK(ad.strings("List") == std::vector<std::string>{"x", "y"});
  ad.set("Text", " a, b c ,,");
  CHECK(ad.strings("Text") == std::vector<std::string>{"a", "b c"});

  std::string order;
  ad.for_each([&](const std::string& name, const std::string&) { order += name + " "; });
  CHECK(order == "Cpus Half List Numbers Text Yes ");

  Ad other = ad;
  other.set("New", 1);
  ad.erase("CPUS");
  CHECK_FALSE(ad.has("Cpus"));
  CHECK(other.has("Cpus"));
  ad.update(other);
  CHECK(ad.integer("Cpus") == 3);
  CHECK(ad.integer("New") == 1);
  const Ad moved = std::move(other);
  CHECK(moved.integer("New") == 1);
  CHECK(quoted("a\"b\\") == "\"a\\\"b\\\"");
}

TEST_CASE("ads of real daemons come back as they were written", "[classad]") {
  for (const char* release : {"23.9.6/", "25.14.1/"})
    for (const char* name : {"slot", "job-docker-img", "job-dir", "job-targetdir", "job-noexec",
                             "job-noexectransfer", "job-sif", "job-vanilla"}) {
      const std::string file = std::string(release) + name + ".ad";
      INFO(file);
      const std::string text = test::golden(file);
      std::size_t lines = 0;
      for (const std::string_view line : split(text, '\n')) {
        if (line.empty()) continue;
        Ad ad;
        REQUIRE(add_line(ad, line));
        ad.for_each([&](const std::string& attribute, const std::string& expression) {
          CHECK(line_of(attribute, expression) == line);
        });
        ++lines;
      }
      CHECK(lines > 50);
    }
  const Ad slot = test::golden_ad("25.14.1/slot.ad");
  for (const char* name : {"docker-img", "dir", "targetdir", "noexec", "noexectransfer", "sif"}) {
    const Ad job = test::golden_ad(std::string("25.14.1/job-") + name + ".ad");
    INFO(name);
    CHECK(matches(slot, job));
    CHECK(matches(job, slot));
  }
}

TEST_CASE("how operators and calls are written again", "[classad]") {
  const std::pair<const char*, const char*> table[] = {
      {"a=?=b||!c", "a =?= b ||  !c"},
      {"a is b", "a =?= b"},
      {"1- -2", "1 - -2"},
      {"-x", " -x"},
      {"x?:y", "x ?: y"},
      {"x?y:z", "x ? y : z"},
      {"f( a , b )", "f(a,b)"},
      {"{1,2}", "{ 1,2 }"},
      {"{}", "{  }"},
      {"[a=1;b=2;]", "[ a = 1; b = 2 ]"},
      {"a . b [ 1 ]", "a.b[1]"},
      {"'two words'", "'two words'"},
      {"'plain'", "plain"},
      {"'true'", "'true'"},
      {"'two words'(1)", "'two words'(1)"},
      {"'true'(1)", "'true'(1)"},
      {"''()", "''()"},
      {"1.50", "1.5"},
      {"1 /* c */ + 2 // d", "1 + 2"},
  };
  for (const auto& [expression, text] : table) {
    CHECK(unparsed(expression) == text);
    CHECK(unparsed(unparsed(expression)) == text);
  }
}

TEST_CASE("ads as text hold no secrets", "[classad]") {
  Ad ad;
  ad.set("B", 1);
  ad.set("a", "x");
  for (const char* name :
       {"ClaimId", "capability", "TransferKey", "_condor_PrivRemoteAdminCapability"})
    ad.set(name, "secret");
  CHECK(format_ad(ad) == "a = \"x\"\nB = 1\n");
  CHECK(is_secret("CLAIMIDLIST"));
  CHECK_FALSE(is_secret("PublicClaimId"));

  const auto parsed = parse_ad("# comment\n\n  A = 1  \r\nB=\"x = y\"\n");
  REQUIRE(parsed);
  CHECK(format_ad(*parsed) == "A = 1\nB = \"x = y\"\n");
  CHECK(parse_ad("A = 1\nB\n").error().text == "line 2: not of the form Name = expression");
  CHECK(parse_ad("A = 1\nB = (\n").error().text.starts_with("line 2: B: expected"));
  CHECK_FALSE(parse_ad("two words = 1"));
  CHECK_FALSE(parse_ad("= 1"));
}

TEST_CASE("ads in several threads at once", "[classad]") {
  std::vector<std::thread> threads;
  std::vector<std::string> results(8);
  for (std::string& result : results)
    threads.emplace_back([&result] {
      for (int i = 0; i < 200; ++i)
        result = evaluated("regexp(\"a+\", \"baa\") && f(") + evaluated("size({1,2})");
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& result : results) CHECK(result.ends_with("2"));
}
