// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/socket.h"

#include <fcntl.h>
#include <unistd.h>

#include "sandbox/base/io.h"
#include "test/catch.h"

using namespace podpilot;

namespace {

std::pair<UniqueFd, UniqueFd> pipe_ends() {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace

TEST_CASE("a message keeps its bounds and brings its descriptors", "[base][socket]") {
  auto [a, b] = socket_pair().value();
  auto [out, in] = pipe_ends();
  REQUIRE(send_message(a, "first", {in}));
  REQUIRE(send_message(a, "second"));
  in.reset();
  auto first = receive_message(b, 100, Wait::yes).value();
  REQUIRE(first);
  CHECK(first->bytes == "first");
  REQUIRE(first->descriptors.size() == 1);
  CHECK((::fcntl(first->descriptors[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
  REQUIRE(write_all(first->descriptors[0], "through"));
  first->descriptors.clear();
  CHECK(read_all(out, 100).value() == "through");
  CHECK(receive_message(b, 100, Wait::yes).value()->bytes == "second");
  CHECK_FALSE(receive_message(b, 100, Wait::no).value());
}

TEST_CASE("a message over its limit is refused and its descriptors are closed", "[base][socket]") {
  auto [a, b] = socket_pair().value();
  auto [out, in] = pipe_ends();
  REQUIRE(send_message(a, std::string(11, 'x'), {in}));
  in.reset();
  CHECK(receive_message(b, 10, Wait::yes).error().fault == Fault::invalid);
  CHECK(read_all(out, 1).value().empty());  // no writer is left
  REQUIRE(send_message(a, std::string(10, 'x')));
  CHECK(receive_message(b, 10, Wait::yes).value()->bytes.size() == 10);
}

TEST_CASE("a closed peer is an empty message to the reader and not_found to the writer",
          "[base][socket]") {
  auto [a, b] = socket_pair().value();
  b.reset();
  CHECK(receive_message(a, 10, Wait::yes).value()->bytes.empty());
  CHECK(send_message(a, "x").error().fault == Fault::not_found);
}

TEST_CASE("too many descriptors for one message are refused before they are sent",
          "[base][socket]") {
  auto [a, b] = socket_pair().value();
  const std::vector<BorrowedFd> most(kMaxMessageDescriptors, BorrowedFd(0));
  CHECK(send_message(a, "x", most));
  CHECK(receive_message(b, 10, Wait::no).value()->descriptors.size() == kMaxMessageDescriptors);
  CHECK(send_message(a, "x", std::vector<BorrowedFd>(kMaxMessageDescriptors + 1, BorrowedFd(0)))
            .error()
            .fault == Fault::internal);
}
