// SPDX-License-Identifier: Apache-2.0
#include "test/support/registry_pull.h"

#include <fmt/format.h>

#include <utility>

#include "oci/reference.h"
#include "test/catch.h"

namespace podpilot::test {
namespace {

using oci::Digest;
using std::chrono::milliseconds;

oci::RegistryOptions quick(oci::RegistryOptions options) {
  options.retry = {4, milliseconds(1), milliseconds(10), milliseconds(1000)};
  return options;
}

}  // namespace

const std::string kBlobPath = "/v2/app/blobs/" + Digest::of("blob").str();

std::string blob_rule(std::string_view members) {
  return fmt::format(R"({{"path":"{}",{}}})", kBlobPath, members);
}

std::string manifest_rule(std::string_view members, const std::string& tag) {
  return fmt::format(R"({{"path":"/v2/app/manifests/{}",{}}})", tag, members);
}

RegistryPull::RegistryPull(const std::string& host, oci::RegistryOptions options,
                           milliseconds stall_window, const std::string& tag)
    : client({
          .user_agent = "podpilot/test",
          .connect_timeout = std::chrono::seconds(2),
          .stall_rate = 1000,
          .stall_window = stall_window,
      }),
      source(client, oci::Reference::parse(host + "/app:" + tag)->registry,
             quick(std::move(options))) {}

Result<void> RegistryPull::blob(std::uint64_t size) {
  got.clear();
  return source.blob({"application/x", Digest::of("blob"), size}, [this](std::string_view bytes) {
    got += bytes;
    return Result<void>();
  });
}

void check_fault(const Error& error, Fault fault, std::string_view part) {
  INFO(error.text);
  CHECK(error.fault == fault);
  CHECK(error.text.contains(part));
  CHECK_FALSE(error.text.contains("hunter2"));
  CHECK_FALSE(error.text.contains('\n'));
}

}  // namespace podpilot::test
