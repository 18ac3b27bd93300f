// SPDX-License-Identifier: Apache-2.0
#include "agent/doctor/site_checks.h"

#include <nlohmann/json.hpp>

#include "agent/cli/doctor_report.h"
#include "agent/cli/wrap.h"
#include "oci/http/date.h"
#include "sandbox/base/json.h"
#include "sandbox/base/text.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;

TEST_CASE("a resolver has a name server", "[agent][doctor]") {
  const Finding good = judge_resolver(
      std::string("# cluster\nsearch a.svc b.svc\nnameserver 10.96.0.10\nnameserver\tfd00::a\n"));
  CHECK(good.mark == Mark::good);
  CHECK(good.detail == "name server 10.96.0.10, fd00::a, searches a.svc b.svc");
  for (const char* text : {"", "search a\n", "nameserver\n", "nameserver  \n",
                           "#nameserver 1.1.1.1", "nameservers 1.1.1.1"}) {
    const Finding none = judge_resolver(std::string(text));
    CAPTURE(text);
    CHECK(none.mark == Mark::note);
    CHECK(none.remedy.reason == "resolver");
  }
  CHECK(judge_resolver(Error{Fault::not_found, "open"}).detail == "open");
}

TEST_CASE("a clock is held against the registry's, else against reason", "[agent][doctor]") {
  using namespace std::chrono_literals;
  const auto then = oci::http::parse_date("Sun, 06 Nov 2033 08:49:37 GMT");
  REQUIRE(then);
  CHECK(judge_clock(*then + 299s, then).mark == Mark::good);
  CHECK(judge_clock(*then + 299s, then).detail ==
        "2033-11-06 08:54:36 UTC, 299 s ahead of the registry's");
  CHECK(judge_clock(*then - 301s, then).mark == Mark::bad);
  CHECK(judge_clock(*then, std::nullopt).mark == Mark::good);
  CHECK(judge_clock({}, std::nullopt).mark == Mark::bad);
  CHECK(judge_clock(*then + std::chrono::years(70), std::nullopt).remedy.reason == "clock");
  CHECK_FALSE(oci::http::parse_date("yesterday, perhaps"));
  CHECK_FALSE(oci::http::parse_date(""));
}

TEST_CASE("certificates are counted, none is a failure", "[agent][doctor]") {
  const std::string one = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
  const auto of = [](const std::string& text) {
    return judge_trust({.source = "/ca.pem", .file = text, .built_in = false});
  };
  CHECK(of(one + "comment\n" + one).detail == "/ca.pem: 2");
  CHECK(of("").mark == Mark::bad);
  CHECK(judge_trust({.source = "built in", .file = "", .built_in = true}).mark == Mark::good);
}

TEST_CASE("a report tells each remedy once, in lines that fit", "[agent][doctor]") {
  Diagnosis diagnosis;
  diagnosis.findings = {
      {"identity", Mark::good, std::string(60, 'x') + " " + std::string(60, 'y')},
      {"userns", Mark::note, "EPERM", remedy_of(Reason::seccomp), "pids,mounts"},
      {"userns-nomount", Mark::note, "EPERM", remedy_of(Reason::seccomp), "pids"}};
  diagnosis.ready = true;
  diagnosis.rung = "transplant";
  diagnosis.users = "one";
  diagnosis.lacks = "uid,memory";
  diagnosis.left_open = {{"one", "does this"}, {"two", "does that"}};
  const std::string text = as_text(diagnosis);
  for (const std::string_view line : split(text, '\n')) CHECK(line.size() <= 96);
  CHECK(text.find("This pod can run jobs of one user: rung transplant.\nNot promised there: "
                  "uid,memory. A payload\n  - does this;\n  - does that.\n") != std::string::npos);
  CHECK(text.find("\nuserns (would add pids,mounts):\n") != std::string::npos);
  CHECK(text.find("\nuserns-nomount (would") == std::string::npos);
  CHECK(text.find("\n      spec:\n        containers:\n") != std::string::npos);
  const auto json = parse_json(as_json(diagnosis));
  REQUIRE(json);
  CHECK(json->at("ready") == true);
  CHECK(json->at("left_open").at(1).at("name") == "two");
  CHECK(json->at("checks").at(0).at("remedy").is_null());
  CHECK(json->at("checks").at(2).at("remedy").at("reason") == "seccomp");
  CHECK(json->at("checks").at(1).at("gains") == "pids,mounts");
}
