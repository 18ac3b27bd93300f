// SPDX-License-Identifier: Apache-2.0
#include "oci/reference.h"

#include <string>

#include "test/catch.h"

namespace podpilot::oci {
namespace {

const std::string kHex(64, 'a');
const std::string kDigest = "sha256:" + kHex;

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST_CASE("image names get docker's normal form", "[oci][reference]") {
  struct Row {
    std::string text;
    std::string normal;
  };
  const Row rows[] = {
      {"busybox", "docker.io/library/busybox:latest"},
      {"busybox:1.36", "docker.io/library/busybox:1.36"},
      {"docker://busybox", "docker.io/library/busybox:latest"},
      {"docker.io/busybox", "docker.io/library/busybox:latest"},
      {"index.docker.io/busybox", "docker.io/library/busybox:latest"},
      {"docker.io/library/busybox", "docker.io/library/busybox:latest"},
      {"library/busybox", "docker.io/library/busybox:latest"},
      {"user/app", "docker.io/user/app:latest"},
      {"registry-1.docker.io/user/app", "registry-1.docker.io/user/app:latest"},
      {"localhost/app", "localhost/app:latest"},
      {"localhost:5000/app:v1", "localhost:5000/app:v1"},
      {"docker://127.0.0.1:5000/p/slim:gz", "127.0.0.1:5000/p/slim:gz"},
      {"[::1]:5000/app", "[::1]:5000/app:latest"},
      {"[2001:db8::1]/app", "[2001:db8::1]/app:latest"},
      {"test:5000/repo", "test:5000/repo:latest"},
      {"quay.io/a/b/c/d:tag", "quay.io/a/b/c/d:tag"},
      {"foo.com/bar_baz/a__b/c.d/e--f---g", "foo.com/bar_baz/a__b/c.d/e--f---g:latest"},
      // No slash: never a host, whatever it looks like.
      {"foo.com", "docker.io/library/foo.com:latest"},
      {"foo_bar.com:8080", "docker.io/library/foo_bar.com:8080"},
      {"192.168.1.1:8080", "docker.io/library/192.168.1.1:8080"},
      {"test.com:tag", "docker.io/library/test.com:tag"},
      // An upper-case first component can only be a host.
      {"Foo/bar", "Foo/bar:latest"},
      {"xn--n3h.com:18080/foo", "xn--n3h.com:18080/foo:latest"},
      {"a/b@" + kDigest, "docker.io/a/b@" + kDigest},
      {"a/b:v@" + kDigest, "docker.io/a/b:v@" + kDigest},
      {"test.com/repo:Tag_1.0-x", "test.com/repo:Tag_1.0-x"},
      {std::string(63, 'a'), "docker.io/library/" + std::string(63, 'a') + ":latest"},
      {repeated("a/", 127) + "a:tag-beyond-255",
       "docker.io/" + repeated("a/", 127) + "a:tag-beyond-255"},
      {"a/b:" + std::string(128, 't'), "docker.io/a/b:" + std::string(128, 't')},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto reference = Reference::parse(row.text);
    REQUIRE(reference);
    CHECK(reference->kind == ReferenceKind::registry);
    CHECK(reference->registry.str() == row.normal);
    CHECK(reference->str() == "docker://" + row.normal);
    const auto again = Reference::parse(reference->str());
    REQUIRE(again);
    CHECK(again->str() == reference->str());
  }
}

TEST_CASE("what is no image name is refused with a reason", "[oci][reference]") {
  struct Row {
    std::string text;
    std::string reason;
  };
  const Row rows[] = {
      {"", "is empty"},
      {"docker://", "there is no repository"},
      {":justtag", "there is no repository"},
      {"@" + kDigest, "there is no repository"},
      {"Uppercase", "lower case"},
      {"Uppercase:tag", "lower case"},
      {"test.com/Repo", "lower case"},
      {"docker.io/", "there is no repository"},
      {"a//b", "the repository may have"},
      {"a/b/", "the repository may have"},
      {"-foo/bar", "the repository may have"},
      {"foo/bar-", "the repository may have"},
      {"foo/a___b", "the repository may have"},
      {"foo/a..b", "the repository may have"},
      {"foo/a._b", "the repository may have"},
      {"aa/asdf$$^/aa", "the repository may have"},
      {"a/b c", "the repository may have"},
      {"a/../b", "the repository may have"},
      {"\xe2\x98\x83.com/foo", "HOST[:PORT]"},
      {"test_com:8080/app", "HOST[:PORT]"},
      {"test.com:/app", "HOST[:PORT]"},
      {"test.com:0/app", "HOST[:PORT]"},
      {"test.com:65536/app", "HOST[:PORT]"},
      {"test.com:5000:6000/app", "HOST[:PORT]"},
      {"-test.com/app", "HOST[:PORT]"},
      {"test..com/app", "HOST[:PORT]"},
      {"[::1/app", "HOST[:PORT]"},
      {"[]:5000/app", "HOST[:PORT]"},
      {"[::1]x/app", "HOST[:PORT]"},
      {"user:pw@host/app", "after the @"},
      {"a/b:", "the tag"},
      {"a/b:.x", "the tag"},
      {"a/b:-x", "the tag"},
      {"a/b:x/y", "the tag"},
      {"a/b:" + std::string(129, 't'), "the tag"},
      {"a/b@", "is not a digest"},
      {"a/b@sha256:abc", "is not a digest"},
      {"a/b@sha256:" + std::string(64, 'A'), "is not a digest"},
      {"a/b@sha256:../../../etc/passwd", "is not a digest"},
      {"a/b@sha512:" + std::string(128, 'a'), "sha512"},
      {kHex, "image id"},
      {repeated("a/", 128) + "a:tag", "at most 255"},
      {std::string(5000, 'a'), "too long"},
      {std::string("a/b\0c", 5), "NUL"},
      {"https://host/app", "is a URL"},
      {"oci:", "no folder"},
      {"oci::tag", "no folder"},
      {"oci-archive:", "no file"},
      {"docker-archive:", "no file"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto reference = Reference::parse(row.text);
    REQUIRE_FALSE(reference);
    INFO(reference.error().text);
    CHECK(reference.error().text.contains(row.reason));
  }
}

TEST_CASE("a digest of another algorithm is unsupported, not invalid", "[oci][reference]") {
  const auto reference = Reference::parse("a/b@sha512:" + std::string(128, 'a'));
  REQUIRE_FALSE(reference);
  CHECK(reference.error().fault == Fault::unsupported);
}

TEST_CASE("an unprintable name stays one line in the error", "[oci][reference]") {
  const auto reference = Reference::parse("a\nb\x1b[31m");
  REQUIRE_FALSE(reference);
  CHECK(reference.error().text.find('\n') == std::string::npos);
  CHECK(reference.error().text.find('\x1b') == std::string::npos);
}

TEST_CASE("docker.io is served elsewhere, a digest names the manifest", "[oci][reference]") {
  const auto hub = Reference::parse("busybox");
  REQUIRE(hub);
  CHECK(hub->registry.registry_host() == "registry-1.docker.io");
  CHECK(hub->registry.manifest_name() == "latest");
  const auto other = Reference::parse("localhost:5000/a:v@" + kDigest);
  REQUIRE(other);
  CHECK(other->registry.registry_host() == "localhost:5000");
  CHECK(other->registry.manifest_name() == kDigest);
}

TEST_CASE("files and folders are told apart by their prefix", "[oci][reference]") {
  struct Row {
    std::string text;
    ReferenceKind kind;
    std::string path;
    std::string tag;
  };
  const Row rows[] = {
      {"oci:/images/x", ReferenceKind::oci_layout, "/images/x", ""},
      {"oci:/images/x:v1", ReferenceKind::oci_layout, "/images/x", "v1"},
      {"oci:x:v1", ReferenceKind::oci_layout, "x", "v1"},
      {"oci:/a:b/c", ReferenceKind::oci_layout, "/a:b/c", ""},
      {"oci:/a:b/c:d", ReferenceKind::oci_layout, "/a:b/c", "d"},
      {"oci-archive:/x.tar:v1", ReferenceKind::oci_archive, "/x.tar:v1", ""},
      {"docker-archive:x.tar", ReferenceKind::docker_archive, "x.tar", ""},
      {"/cvmfs/unpacked/x:y", ReferenceKind::directory, "/cvmfs/unpacked/x:y", ""},
      {"./x", ReferenceKind::directory, "./x", ""},
      {"../x", ReferenceKind::directory, "../x", ""},
      {".", ReferenceKind::directory, ".", ""},
      {"/", ReferenceKind::directory, "/", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto reference = Reference::parse(row.text);
    REQUIRE(reference);
    CHECK(reference->kind == row.kind);
    CHECK(reference->path == row.path);
    CHECK(reference->tag == row.tag);
    CHECK(reference->str() == row.text);
  }
}

}  // namespace
}  // namespace podpilot::oci
