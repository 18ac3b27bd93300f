// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/cedar/sinful.h"

#include "test/catch.h"

namespace podpilot::agent::htcondor {
namespace {

TEST_CASE("a startd's address behind a broker", "[htcondor][cedar]") {
  // As a real one advertised it.
  const std::string text =
      "<127.0.0.1:9757?CCBID=127.0.0.1:9618%3faddrs%3d127.0.0.1-9618%26alias%3d127-0-0-1.pool#1"
      "&PrivNet=glidein-net&addrs=127.0.0.1-9757&alias=127-0-0-1.pool&noUDP&sock=startd_17_3d33>";
  const auto address = parse_sinful(text);
  REQUIRE(address);
  CHECK(address->host == "127.0.0.1");
  CHECK(address->port == 9757);
  REQUIRE(address->addrs == std::vector<Endpoint>{{"127.0.0.1", 9757}});
  REQUIRE(address->ccb_contacts ==
          std::vector<std::string>{"127.0.0.1:9618?addrs=127.0.0.1-9618&alias=127-0-0-1.pool#1"});
  CHECK(address->private_network == "glidein-net");
  CHECK(address->alias == "127-0-0-1.pool");
  CHECK(address->sock == "startd_17_3d33");
  CHECK(address->no_udp);
  CHECK(format(*address) == text);
  CHECK(brief(*address) == "127.0.0.1:9757?sock=startd_17_3d33");
}

TEST_CASE("addresses that are good, and what they become", "[htcondor][cedar]") {
  struct Row {
    const char* text;
    const char* formatted;
  };
  const Row rows[] = {
      {"<10.0.0.1:9618>", "<10.0.0.1:9618>"},
      {"10.0.0.1:9618", "<10.0.0.1:9618>"},
      {"cm.example.org", "<cm.example.org:0>"},
      {"cm.example.org:9618?sock=collector", "<cm.example.org:9618?sock=collector>"},
      {"<[2001:db8::1]:9618>", "<[2001:db8::1]:9618>"},
      {"2001:db8::1", "<[2001:db8::1]:0>"},
      {"<[::1]:1?addrs=[--1]-1+10.0.0.1-2>", "<[::1]:1?addrs=[--1]-1+10.0.0.1-2>"},
      {"<[::1]:1?addrs=--1-1>", "<[::1]:1?addrs=[--1]-1>"},
      {"<h:1?b=2;a=1;;&a=3>", "<h:1?a=3&b=2>"},
      {"<h:1?CCBID=a:1%231%20b:2%232>", "<h:1?CCBID=a:1#1%20b:2#2>"},
      {"<h:1?PrivAddr=%3c10.0.0.1:9%3e&PrivNet=n>", "<h:1?PrivAddr=%3c10.0.0.1:9%3e&PrivNet=n>"},
      {"<h:1?x=%e4&flag>", "<h:1?flag&x=%e4>"},
      {"<h:1?>", "<h:1>"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto address = parse_sinful(row.text);
    REQUIRE(address);
    CHECK(format(*address) == row.formatted);
    const auto again = parse_sinful(format(*address));
    REQUIRE(again);
    CHECK(*again == *address);
  }
}

TEST_CASE("what is no address is refused", "[htcondor][cedar]") {
  std::string many = "<h:1?p0=1";
  for (int i = 1; i < 70; ++i) many += "&p" + std::to_string(i) + "=1";
  std::string addrs = "<h:1?addrs=10.0.0.1-1";
  for (int i = 0; i < 20; ++i) addrs += "+10.0.0.1-1";
  for (const std::string& text : {std::string(""),
                                  std::string("<"),
                                  std::string("<>"),
                                  std::string("<h:1"),
                                  std::string("h:1>"),
                                  std::string("<:1>"),
                                  std::string("<h:65536>"),
                                  std::string("<h:-1>"),
                                  std::string("<h:1x>"),
                                  std::string("<h:>"),
                                  std::string("<h 1:1>"),
                                  std::string("<h:1?=x>"),
                                  std::string("<h:1?a=%2>"),
                                  std::string("<h:1?a=%zz>"),
                                  std::string("<h:1?a=%00>"),
                                  std::string("<h:1?a>b>"),
                                  std::string("<h\0:1>", 6),
                                  std::string("<[::1:1>"),
                                  std::string("<[nonsense]:1>"),
                                  std::string("<h:1?addrs=x-1>"),
                                  std::string("<h:1?addrs=10.0.0.1>"),
                                  std::string("<h:1?addrs=10.0.0.1-99999>"),
                                  std::string("<h:1?addrs=>"),
                                  std::string(9000, 'h'),
                                  many + ">",
                                  addrs + ">"}) {
    CAPTURE(text.substr(0, 60));
    const auto address = parse_sinful(text);
    REQUIRE_FALSE(address);
    CHECK(address.error().fault == Fault::invalid);
  }
  CHECK(parse_sinful("{[p=\"primary\"]}").error().fault == Fault::unsupported);
}

TEST_CASE("several collectors", "[htcondor][cedar]") {
  const auto list = parse_sinful_list("cm1.example.org,cm2.example.org:9620?sock=collector,[::1]");
  REQUIRE(list);
  REQUIRE(list->size() == 3);
  CHECK(brief((*list)[0]) == "cm1.example.org:9618");
  CHECK(brief((*list)[1]) == "cm2.example.org:9620?sock=collector");
  CHECK(brief((*list)[2]) == "[::1]:9618");
  CHECK_FALSE(parse_sinful_list(""));
  CHECK_FALSE(parse_sinful_list("a,,b"));
}

TEST_CASE("where to connect to", "[htcondor][cedar]") {
  CHECK(parse_sinful("<h:1>")->endpoints() == std::vector<Endpoint>{{"h", 1}});
  CHECK(parse_sinful("<h:1?addrs=10.0.0.1-2+[--1]-3>")->endpoints() ==
        std::vector<Endpoint>{{"10.0.0.1", 2}, {"::1", 3}});
}

}  // namespace
}  // namespace podpilot::agent::htcondor
