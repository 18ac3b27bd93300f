// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/slot/docker_login.h"

#include "agent/scheduler/htcondor/classad/text.h"
#include "oci/registry/credentials.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent::htcondor;

namespace {

Ad ad_of(std::initializer_list<std::string> lines) {
  Ad ad;
  for (const std::string& line : lines) REQUIRE(add_line(ad, line));
  return ad;
}

std::string config_of(const std::string& auths) {
  const Result<oci::Secret> config = docker_config(ad_of({"auths = " + auths}));
  return config ? config->reveal() : config.error().text;
}

}  // namespace

TEST_CASE("a shadow that can is asked for a login that the job wants", "[slot][docker_login]") {
  const std::string wants = "DockerSendCredentials = true";
  const auto version = [](const std::string& number) {
    return "ShadowVersion = \"$CondorVersion: " + number + " 2026-10-16 PackageID: x $\"";
  };
  CHECK(sends_docker_login(ad_of({wants, version("25.14.1")})));
  CHECK(sends_docker_login(ad_of({wants, version("24.7.3")})));
  CHECK_FALSE(sends_docker_login(ad_of({wants, version("24.6.1")})));
  CHECK_FALSE(sends_docker_login(ad_of({wants, version("23.9.6")})));
  CHECK_FALSE(sends_docker_login(ad_of({wants})));
  CHECK_FALSE(sends_docker_login(ad_of({wants, "ShadowVersion = \"25\""})));
  CHECK_FALSE(sends_docker_login(ad_of({wants, "ShadowVersion = \"$CondorVersion: x.y\""})));
  CHECK_FALSE(sends_docker_login(ad_of({version("25.14.1")})));
  CHECK_FALSE(sends_docker_login(ad_of({"DockerSendCredentials = false", version("25.14.1")})));
}

TEST_CASE("a login as docker writes it", "[slot][docker_login]") {
  const std::string config = config_of(
      "[ 'https://index.docker.io/v1/' = [ auth = \"dTpw\"; uuid = \"1-2\" ]; "
      "'127.0.0.1:5000' = [ username = \"u\"; password = \"a\\\"b\"; count = 3 ]; odd = 7 ]");
  CHECK(config == R"({"auths":{"https://index.docker.io/v1/":{"auth":"dTpw","uuid":"1-2"},)"
                  R"("127.0.0.1:5000":{"username":"u","password":"a\"b"}}})");
  const auto hub = oci::find_credentials(config, "docker.io");
  REQUIRE(hub);
  REQUIRE(hub->credentials);
  CHECK(hub->credentials->password.reveal() == "p");
  const auto local = oci::find_credentials(config, "127.0.0.1:5000");
  REQUIRE(local);
  REQUIRE(local->credentials);
  CHECK(local->credentials->password.reveal() == "a\"b");
}

TEST_CASE("a login that is none", "[slot][docker_login]") {
  CHECK(config_of("[ ]") == R"({"auths":{}})");
  CHECK(config_of("\"text\"") == "auths: is not what docker has there");
  CHECK_FALSE(docker_config(Ad()));
  CHECK(config_of("[ a = [ auth = \"" + std::string(70'000, 'A') + "\" ] ]") == "auths: too large");
}
