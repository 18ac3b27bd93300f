// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/fd.h"

#include <fcntl.h>

#include "test/catch.h"

using namespace podpilot;

namespace {

int open_null() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}
bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

}  // namespace

TEST_CASE("a descriptor is closed once, by its last owner", "[base][fd]") {
  const int raw = open_null();
  {
    UniqueFd first(raw);
    UniqueFd second(std::move(first));
    CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): that is the point
    CHECK(second.get() == raw);
    CHECK(is_open(raw));
  }
  CHECK_FALSE(is_open(raw));
}

TEST_CASE("assignment closes what was held, to itself changes nothing", "[base][fd]") {
  const int a = open_null();
  const int b = open_null();
  UniqueFd fd(a);
  UniqueFd& same = fd;
  fd = std::move(same);
  CHECK(fd.get() == a);
  fd = UniqueFd(b);
  CHECK_FALSE(is_open(a));
  CHECK(is_open(b));
  CHECK(fd.release() == b);
  CHECK(is_open(b));
  ::close(b);
}

TEST_CASE("a borrowed descriptor closes nothing", "[base][fd]") {
  const UniqueFd owner(open_null());
  {
    const BorrowedFd borrowed = owner;
    CHECK(borrowed.get() == owner.get());
  }
  CHECK(is_open(owner.get()));
  CHECK_FALSE(BorrowedFd());
}

TEST_CASE("a duplicate outlives its original and is not inherited", "[base][fd]") {
  UniqueFd original(open_null());
  const Result<UniqueFd> copy = duplicate(original);
  REQUIRE(copy);
  original.reset();
  CHECK(is_open(copy->get()));
  CHECK((::fcntl(copy->get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK_FALSE(duplicate(BorrowedFd()));
}
