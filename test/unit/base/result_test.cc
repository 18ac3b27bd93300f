// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/result.h"

#include <memory>

#include "sandbox/base/errno.h"
#include "test/catch.h"

using namespace podpilot;

namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Error{Fault::invalid, "odd"};
  return n / 2;
}

Result<int> quarter(int n) {
  const int first = TRY(half(n));
  return half(first);
}

struct Counter {
  explicit Counter(int& count) : count_(count) {}
  ~Counter() { ++count_; }
  int& count_;
};

}  // namespace

TEST_CASE("TRY hands the value on and returns the error", "[base][result]") {
  CHECK(quarter(12).value() == 3);
  CHECK(quarter(6).error().text == "odd");
  CHECK(quarter(5).error().fault == Fault::invalid);
}

TEST_CASE("TRY takes what can only be moved and destroys what was built before", "[base][result]") {
  int destroyed = 0;
  const auto make = [](bool good) -> Result<std::unique_ptr<int>> {
    if (!good) return Error{Fault::exhausted, "no"};
    return std::make_unique<int>(7);
  };
  const auto use = [&](bool good) -> Result<int> {
    const Counter counter(destroyed);
    const std::unique_ptr<int> value = TRY(make(good));
    return *value;
  };
  CHECK(use(true).value() == 7);
  CHECK(use(false).error().fault == Fault::exhausted);
  CHECK(destroyed == 2);
}

TEST_CASE("context grows from the inside out", "[base][result]") {
  Result<int> result = Error{Fault::corrupt, "17 bytes short"};
  result = std::move(result).within("sha256:ab").within("layer 3");
  CHECK(result.error().text == "layer 3: sha256:ab: 17 bytes short");
  CHECK(result.error().fault == Fault::corrupt);
  CHECK(Result<int>(4).within("never seen").value() == 4);
}

TEST_CASE("every fault has a name of its own", "[base][result]") {
  const Fault all[] = {Fault::transient, Fault::not_found, Fault::denied,  Fault::unsupported,
                       Fault::exhausted, Fault::corrupt,   Fault::invalid, Fault::internal};
  for (const Fault a : all)
    for (const Fault b : all) CHECK((to_string(a) == to_string(b)) == (a == b));
}

TEST_CASE("an errno is sorted by what can be done about it", "[base][errno]") {
  CHECK(fault_of_errno(EAGAIN) == Fault::transient);
  CHECK(fault_of_errno(ECONNRESET) == Fault::transient);
  CHECK(fault_of_errno(ENOENT) == Fault::not_found);
  CHECK(fault_of_errno(EPERM) == Fault::denied);
  CHECK(fault_of_errno(EROFS) == Fault::denied);
  CHECK(fault_of_errno(ENOSYS) == Fault::unsupported);
  CHECK(fault_of_errno(ENOSPC) == Fault::exhausted);
  CHECK(fault_of_errno(EDQUOT) == Fault::exhausted);
  CHECK(fault_of_errno(ELOOP) == Fault::invalid);
  CHECK(fault_of_errno(EIO) == Fault::internal);
  CHECK(fault_of_errno(99999) == Fault::internal);
}

TEST_CASE("a system error names the call, the errno and its meaning", "[base][errno]") {
  CHECK(sys_error("openat /cache/v1", EACCES).text ==
        "openat /cache/v1: EACCES (Permission denied)");
  CHECK(sys_error("x", 99999).text == "x: errno 99999 (unknown)");
  errno = ENOSPC;
  CHECK(sys_error("write").fault == Fault::exhausted);
}
