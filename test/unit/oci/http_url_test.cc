// SPDX-License-Identifier: Apache-2.0
#include "oci/http/url.h"

#include <string>

#include "oci/http/redirect.h"
#include "test/catch.h"

namespace podpilot::oci::http {
namespace {

Url url(std::string_view text) {
  auto parsed = Url::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

TEST_CASE("a URL's parts and origin", "[oci][http]") {
  const Url plain = url("HTTP://Reg.Example:5000/v2/x?a=b#frag");
  CHECK(plain.scheme() == "http");
  CHECK(plain.host() == "reg.example");
  CHECK(plain.port() == 5000);
  CHECK_FALSE(plain.secure());
  CHECK(plain.origin() == "http://reg.example:5000");
  CHECK_FALSE(plain.str().contains("frag"));
  CHECK(url("https://a.example/").origin() == "https://a.example");
  CHECK(url("https://[::1]:443/").origin() == "https://[::1]");
  CHECK(url("https://a.example/").same_origin(url("https://A.example:443/x")));
  CHECK_FALSE(url("https://a.example/").same_origin(url("http://a.example/")));
  CHECK_FALSE(url("https://a.example/").same_origin(url("https://a.example:444/")));
  CHECK(url("https://a/x?y").with_query("z=1").str() == "https://a/x?y&z=1");
  CHECK(url("https://a/x").with_query("z=1").str() == "https://a/x?z=1");
}

TEST_CASE("what is no http URL is refused", "[oci][http]") {
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("//host/x"), std::string("ftp://host/"),
        std::string("file:///etc/passwd"), std::string("https://"), std::string("https://u:p@h/"),
        std::string("https://h:0/"), std::string("https://h:99999/"), std::string("https://h h/"),
        std::string("https://h/\r\nX: y"), std::string("https://h/\0x", 12),
        "https://h/" + std::string(20'000, 'a')}) {
    CAPTURE(text.substr(0, 50));
    CHECK_FALSE(Url::parse(text));
  }
}

TEST_CASE("a Location is resolved as a browser would", "[oci][http]") {
  const Url base = url("https://h.example/v2/a/blobs/x?q=1");
  struct Row {
    std::string location;
    std::string target;
  };
  const Row rows[] = {
      {"/y", "https://h.example/y"},
      {"y", "https://h.example/v2/a/blobs/y"},
      {"../z?k=v", "https://h.example/v2/a/z?k=v"},
      {"//other.example/p", "https://other.example/p"},
      {"https://cdn.example:8443/p?sig=1", "https://cdn.example:8443/p?sig=1"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.location);
    const auto target = base.resolve(row.location);
    REQUIRE(target);
    CHECK(target->str() == row.target);
  }
  CHECK_FALSE(base.resolve("file:///etc/passwd"));
  CHECK_FALSE(base.resolve("https://user@h/"));
}

TEST_CASE("a redirect may not lower the guard", "[oci][http]") {
  struct Row {
    std::string from;
    std::string to;
    bool followed;
  };
  const Row rows[] = {
      {"https://h.example/", "https://cdn.example/x", true},
      {"https://h.example/", "https://10.1.2.3/x", true},
      {"http://localhost:5000/", "/other", true},
      {"http://localhost:5000/", "http://127.0.0.1:9000/x", true},
      {"http://localhost:5000/", "https://cdn.example/x", true},
      {"https://h.example/", "http://h.example/x", false},
      {"https://localhost/", "http://localhost/x", false},
      {"https://h.example/", "", false},
      {"https://h.example/", "https://169.254.169.254/latest", false},
      {"http://localhost/", "http://169.254.169.254/latest", false},
      {"http://localhost/", "http://0xa9fea9fe/latest", false},
      {"http://localhost/", "http://2852039166/latest", false},
      {"https://h.example/", "https://[fe80::1]/", false},
      {"https://h.example/", "https://[::ffff:169.254.1.1]/", false},
      {"https://h.example/", "https://[fd00:ec2::254]/", false},
      {"https://h.example/", "https://metadata.google.internal/", false},
      {"https://h.example/", "https://localhost/x", false},
      {"https://h.example/", "https://127.1.2.3/x", false},
      {"https://h.example/", "https://[::1]/x", false},
      {"https://h.example/", "https://0.0.0.0/x", false},
      {"https://h.example/", "gopher://h.example/x", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.from, row.to);
    CHECK(redirect_target(url(row.from), row.to).has_value() == row.followed);
  }
}

TEST_CASE("a refused redirect does not show the query, which may be a signature", "[oci][http]") {
  const auto target = redirect_target(url("https://h.example/?key=secret"), "http://x/?sig=secret");
  REQUIRE_FALSE(target);
  CHECK_FALSE(target.error().text.contains("secret"));
}

TEST_CASE("loopback and metadata hosts are known in every spelling", "[oci][http]") {
  for (const char* host : {"localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "0.0.0.0",
                           "::ffff:127.0.0.1", "::"})
    CHECK(is_loopback(host));
  for (const char* host :
       {"localhost.example", "128.0.0.1", "2001:db8::1", "10.0.0.1", "", "127.0.0.1.x"})
    CHECK_FALSE(is_loopback(host));
  for (const char* host : {"169.254.169.254", "fe80::1", "febf::1", "fe80::1%eth0",
                           "100.100.100.200", "::ffff:169.254.0.1"})
    CHECK(is_metadata(host));
  for (const char* host : {"169.253.1.1", "fec0::1", "2001:db8::1", "100.100.100.201"})
    CHECK_FALSE(is_metadata(host));
}

TEST_CASE("percent encoding leaves only unreserved characters", "[oci][http]") {
  CHECK(percent_encode("repository:a/b-c_d.e~f:pull") == "repository%3Aa%2Fb-c_d.e~f%3Apull");
  CHECK(percent_encode("\xc3\xa9 &=\n") == "%C3%A9%20%26%3D%0A");
}

}  // namespace
}  // namespace podpilot::oci::http
