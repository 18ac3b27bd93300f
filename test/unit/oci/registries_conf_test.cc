// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/registries_conf.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>

#include "test/catch.h"
#include "test/support/layer_fixture.h"
#include "test/support/temp_dir.h"

using namespace podpilot;
using namespace podpilot::test;
using oci::RegistriesConf;

namespace {

// "a:1 b:1(http)", or the error.
std::string places(const std::string& toml, const std::string& image) {
  const auto conf = RegistriesConf::parse(toml);
  if (!conf) return conf.error().text;
  const auto endpoints = conf->endpoints(oci::Reference::parse(image)->registry);
  if (!endpoints) return endpoints.error().text;
  std::string out;
  for (const oci::Endpoint& endpoint : *endpoints)
    out += fmt::format("{}{}{}", out.empty() ? "" : " ", endpoint.at.str(),
                       endpoint.plain_http ? "(http)" : "");
  return out;
}

constexpr const char* kMirrors = R"(
unqualified-search-registries = ["quay.io"]
short-name-mode = "enforcing"

[[registry]]
prefix = "docker.io"
[[registry.mirror]]
location = "cache.example:5000/hub/"
insecure = true
[[registry.mirror]]
location = "digests.example"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "tags.example"
pull-from-mirror = "tag-only"

[[registry]]
prefix = "docker.io/team"
location = "team.example/images"

[[registry]]
location = "quay.io"
mirror-by-digest-only = true
[[registry.mirror]]
location = "quay-cache.example"

[[registry]]
prefix = "*.evil.example"
blocked = true

[[registry]]
location = "plain.example:5000"
insecure = true
)";

}  // namespace

TEST_CASE("the places of an image, mirrors first", "[oci][registries]") {
  const std::string digest = "@sha256:" + std::string(64, 'a');
  struct Case {
    std::string image;
    std::string places;
  };
  const Case cases[] = {
      {"busybox",
       "cache.example:5000/hub/library/busybox:latest(http) "
       "tags.example/library/busybox:latest docker.io/library/busybox:latest"},
      {"busybox" + digest, "cache.example:5000/hub/library/busybox" + digest + "(http) " +
                               "digests.example/library/busybox" + digest +
                               " docker.io/library/busybox" + digest},
      {"team/x:1", "team.example/images/x:1"},
      {"teams/x:1",
       "cache.example:5000/hub/teams/x:1(http) tags.example/teams/x:1 "
       "docker.io/teams/x:1"},
      {"quay.io/a/b:1", "quay.io/a/b:1"},
      {"quay.io/a/b" + digest, "quay-cache.example/a/b" + digest + " quay.io/a/b" + digest},
      {"quay.io.example/a:1", "quay.io.example/a:1"},
      {"quay.io:5000/a:1", "quay.io:5000/a:1"},
      {"plain.example:5000/a:1", "plain.example:5000/a:1(http)"},
      {"r.evil.example/a:1", "r.evil.example/a: registries.conf blocks *.evil.example"},
      {"r.evil.example:5000/a:1", "r.evil.example:5000/a: registries.conf blocks *.evil.example"},
      {"evil.example/a:1", "evil.example/a:1"},
      {"notevil.example/a:1", "notevil.example/a:1"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.image);
    CHECK(places(kMirrors, c.image) == c.places);
  }
  CHECK(places("", "busybox") == "docker.io/library/busybox:latest");
}

TEST_CASE("a registries.conf that cannot be followed", "[oci][registries]") {
  struct Case {
    const char* toml;
    const char* said;
  };
  const Case cases[] = {
      {"[registries.search]\nregistries = []", "version 1"},
      {"[[registry]]\nlocation = 1", "line 2: location: must be a text"},
      {"[[registry]]\nblocked = \"yes\"\nlocation = \"a.b\"",
       "line 2: blocked: must be true or false"},
      {"[[registry]]\nblocked = true", "must be of a prefix or location"},
      {"[registry]\nlocation = \"a.b\"", "must be a list of tables"},
      {"registry = [1]", "must be a table"},
      {"[[registry]]\nlocation = \"a.b\"\nmirror = 1", "mirror: must be a list"},
      {"[[registry]]\nlocation = \"a.b\"\n[[registry.mirror]]\ninsecure = true",
       "where the mirror is"},
      {"[[registry]]\nprefix = \"*.a.b/c\"", "must be a host"},
      {"[[registry]]\nlocation = \"a.b\"\n[[registry.mirror]]\nlocation = \"c.d\"\n"
       "pull-from-mirror = \"some\"",
       "digest-only or tag-only"},
      {"[[registry]\n", "line 1:"},
      {"[[registry]]\nlocation = \"no host/x\"\nprefix = \"a.b\"", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.toml);
    CHECK(places(c.toml, "a.b/c:1").find(c.said) != std::string::npos);
  }
  CHECK(places("[[registry]]\nprefix = \"a.b\"\nlocation = \"no host\"", "a.b/c:1")
            .find("is no registry") != std::string::npos);
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "[[registry]]\nlocation = \"a.b\"\n";
  CHECK(places(many, "a.b/c:1").find("more than 1000") != std::string::npos);
  CHECK(places("a = " + std::string(5000, '['), "a.b/c:1").find("line 1") != std::string::npos);
}

TEST_CASE("the first registries.conf that is there counts", "[oci][registries]") {
  const TempDir dir;
  dir.write("one", "[[registry]]\nlocation = \"a.b\"\nblocked = true\n");
  dir.write("two", "[[registry]\n");
  const auto image = oci::Reference::parse("a.b/c:1")->registry;
  const auto first = oci::load_registries({{dir / "none", dir / "one", dir / "two"}, {}});
  REQUIRE(error_of(first).text == "");
  CHECK(error_of(first->endpoints(image)).fault == Fault::denied);
  const auto broken = oci::load_registries({{dir / "two", dir / "one"}, {}});
  CHECK(error_of(broken).text.starts_with(dir / "two"));
  CHECK(oci::load_registries({{dir / "none"}, {}})->endpoints(image)->size() == 1);
}

TEST_CASE("drop-in files count over the file they are beside", "[oci][registries]") {
  const TempDir dir;
  const auto blocked = [](const std::string& name, bool is) {
    return "[[registry]]\nlocation = \"" + name + "\"\nblocked = " + (is ? "true\n" : "false\n");
  };
  dir.write("main", blocked("a.b", true) + blocked("main.b", true));
  dir.write("d/1.conf", blocked("a.b", false) + blocked("x.b", true));
  dir.write("d/2.conf", blocked("x.b", false) + blocked("y.b", true));
  const auto conf =
      oci::load_registries({{dir / "main"}, {dir / "d/1.conf", dir / "gone", dir / "d/2.conf"}});
  REQUIRE(error_of(conf).text == "");
  const auto is_blocked = [&](const std::string& host) {
    return error_of(conf->endpoints(oci::Reference::parse(host + "/c:1")->registry)).fault ==
           Fault::denied;
  };
  CHECK_FALSE(is_blocked("a.b"));
  CHECK(is_blocked("main.b"));
  CHECK_FALSE(is_blocked("x.b"));
  CHECK(is_blocked("y.b"));
  dir.write("d/3.conf", "[[registry]\n");
  const auto broken = oci::load_registries({{dir / "main"}, {dir / "d/3.conf"}});
  CHECK(error_of(broken).text.starts_with(dir / "d/3.conf"));
}

TEST_CASE("whose registries.conf is read", "[oci][registries]") {
  const TempDir dir;
  const char* home = std::getenv("HOME");
  const std::string before = home ? home : "";
  ::setenv("HOME", dir.path().c_str(), 1);
  ::unsetenv("CONTAINERS_REGISTRIES_CONF");
  const std::string own = dir / ".config/containers/registries.conf";
  dir.write(".config/containers/registries.conf.d/b.conf", "");
  dir.write(".config/containers/registries.conf.d/a.conf", "");
  dir.write(".config/containers/registries.conf.d/a.conf.bak", "");
  const std::vector<std::string> drop_ins = {own + ".d/a.conf", own + ".d/b.conf"};
  auto files = oci::default_registries_files();
  CHECK(files.main == std::vector<std::string>{own, "/etc/containers/registries.conf"});
  REQUIRE(files.drop_ins.size() >= 2);
  CHECK(std::vector(files.drop_ins.end() - 2, files.drop_ins.end()) == drop_ins);
  dir.write(".config/containers/registries.conf", "");
  files = oci::default_registries_files();
  CHECK(files.drop_ins == drop_ins);
  ::setenv("CONTAINERS_REGISTRIES_CONF", "/some/file", 1);
  files = oci::default_registries_files();
  CHECK(files.main == std::vector<std::string>{"/some/file"});
  CHECK(files.drop_ins.empty());
  ::unsetenv("CONTAINERS_REGISTRIES_CONF");
  ::setenv("HOME", before.c_str(), 1);
}
