// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/blob_transfer.h"

#include <string>

#include "test/catch.h"

namespace podpilot::oci {
namespace {

http::Response head(int status, std::initializer_list<const char*> lines = {}) {
  http::Response out;
  out.status = status;
  for (const char* line : lines) REQUIRE(out.headers.add_line(line));
  return out;
}

struct Fixture {
  std::string got;
  Sink sink = [this](std::string_view bytes) -> Result<void> {
    got += bytes;
    return {};
  };
  BlobTransfer transfer{10, sink};
};

TEST_CASE("a blob arrives in pieces", "[oci][registry]") {
  Fixture f;
  CHECK(f.transfer.begin() == 0);
  CHECK(f.transfer.accept(head(200, {"Content-Length: 10"}), "01234"));
  CHECK_FALSE(f.transfer.complete());
  CHECK(f.transfer.accept(head(200), "56789"));
  CHECK(f.transfer.complete());
  CHECK(f.got == "0123456789");
}

TEST_CASE("a cut blob goes on where it stopped", "[oci][registry]") {
  Fixture f;
  f.transfer.begin();
  REQUIRE(f.transfer.accept(head(200), "0123"));
  CHECK(f.transfer.begin() == 4);
  SECTION("with a 206") {
    CHECK(f.transfer.accept(head(206, {"Content-Range: bytes 4-9/10", "Content-Length: 6"}),
                            "456789"));
  }
  SECTION("with a 206 of unknown size") {
    CHECK(f.transfer.accept(head(206, {"Content-Range: bytes 4-9/*"}), "456789"));
  }
  SECTION("with a 200, whose beginning the sink has") {
    CHECK(f.transfer.accept(head(200, {"Content-Length: 10"}), "01"));
    CHECK(f.transfer.accept(head(200), "2345"));
    CHECK(f.got == "012345");
    CHECK(f.transfer.accept(head(200), "6789"));
  }
  CHECK(f.transfer.complete());
  CHECK(f.got == "0123456789");
}

TEST_CASE("a wrong Content-Range costs the Range, not the blob", "[oci][registry]") {
  for (const char* range :
       {"Content-Range: bytes 3-9/10", "Content-Range: bytes 4-9/11", "Content-Range: bytes */10",
        "Content-Range: items 4-9/10", "Content-Range: bytes 4-9", "Content-Range: bytes -9/10",
        "Content-Range: bytes 99999999999999999999-9/10", "X: none"}) {
    CAPTURE(range);
    Fixture f;
    f.transfer.begin();
    REQUIRE(f.transfer.accept(head(200), "0123"));
    f.transfer.begin();
    CHECK_FALSE(f.transfer.accept(head(206, {range}), "456789"));
    CHECK(f.transfer.try_again());
    CHECK(f.got == "0123");
    CHECK(f.transfer.begin() == 0);
    CHECK_FALSE(f.transfer.try_again());
    CHECK(f.transfer.accept(head(200), "0123456789"));
    CHECK(f.got == "0123456789");
  }
}

TEST_CASE("never a byte more than the manifest says", "[oci][registry]") {
  Fixture f;
  f.transfer.begin();
  REQUIRE(f.transfer.accept(head(200), "012345678"));
  const auto more = f.transfer.accept(head(200), "9X");
  REQUIRE_FALSE(more);
  CHECK(more.error().fault == Fault::corrupt);
  CHECK(f.got == "012345678");
}

TEST_CASE("answers that cannot be the blob are refused at their head", "[oci][registry]") {
  struct Row {
    http::Response answer;
    Fault fault;
  };
  const Row rows[] = {
      {head(200, {"Content-Length: 9"}), Fault::corrupt},
      {head(200, {"Content-Length: 11"}), Fault::corrupt},
      {head(200, {"Content-Type: text/html; charset=utf-8"}), Fault::invalid},
      {head(206, {"Content-Range: bytes 0-9/10"}), Fault::invalid},
      {head(204), Fault::invalid},
  };
  for (const Row& row : rows) {
    Fixture f;
    f.transfer.begin();
    const auto answer = f.transfer.accept(row.answer, "x");
    REQUIRE_FALSE(answer);
    INFO(answer.error().text);
    CHECK(answer.error().fault == row.fault);
    CHECK_FALSE(f.transfer.try_again());
    CHECK(f.got.empty());
  }
}

TEST_CASE("the sink's own error comes back", "[oci][registry]") {
  const Sink full = [](std::string_view) -> Result<void> {
    return Error{Fault::exhausted, "full"};
  };
  BlobTransfer transfer(10, full);
  transfer.begin();
  const auto result = transfer.accept(head(200), "0");
  REQUIRE_FALSE(result);
  CHECK(result.error().text == "full");
  CHECK(transfer.delivered() == 0);
}

}  // namespace
}  // namespace podpilot::oci
