// SPDX-License-Identifier: Apache-2.0
// Images in files: layouts, archives of layouts, docker's archives; sound, damaged and hostile.
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "oci/local/image_files.h"
#include "oci/local/layout_source.h"
#include "oci/local/open.h"
#include "oci/pull.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "test/catch.h"
#include "test/support/image_builder.h"
#include "test/support/layer_fixture.h"
#include "test/support/tar_builder.h"
#include "test/support/temp_dir.h"

using namespace podpilot;
using namespace podpilot::test;
using oci::Store;

namespace {

constexpr const char* kConfig =
    R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[%]}})";

std::string config_of(const std::vector<std::string>& layers) {
  std::string ids;
  for (const std::string& layer : layers)
    ids += (ids.empty() ? "\"" : ",\"") + oci::Digest::of(layer).str() + "\"";
  std::string out = kConfig;
  return out.replace(out.find('%'), 1, ids);
}

Result<oci::Image> pull_from(const std::string& reference, Store& store) {
  Result<std::unique_ptr<oci::Source>> source = oci::open_local(*oci::Reference::parse(reference));
  if (!source) return source.error();
  return oci::pull(**source, store, {});
}

std::string archive_in(const TempDir& dir, const TarBuilder& tar) {
  dir.write("image.tar", tar.bytes());
  return dir.path() + "/image.tar";
}

// The file of an image's top layer, as a job would see it.
std::string content(const oci::Image& image, const std::string& name) {
  for (auto layer = image.layers.rbegin(); layer != image.layers.rend(); ++layer)
    if (const auto bytes = read_file(*layer + "/" + name, 1 << 20)) return *bytes;
  return "(nothing)";
}

}  // namespace

TEST_CASE("an image in a layout", "[oci][local]") {
  const TempDir dir;
  const TempDir cache;
  auto store = Store::open(cache.path());
  const ImageSource image(
      {TarBuilder().file("a", "1").bytes(), TarBuilder().file("b", "2").bytes()});
  image.write_layout(dir, "v1");

  SECTION("by its tag, or as the only one") {
    for (const std::string& name : {"oci:" + dir.path() + ":v1", "oci:" + dir.path()}) {
      const auto pulled = pull_from(name, *store);
      REQUIRE(error_of(pulled).text == "");
      CHECK(content(*pulled, "a") == "1");
      CHECK(content(*pulled, "b") == "2");
    }
  }
  SECTION("with a tag that it has not") {
    const Error error = error_of(pull_from("oci:" + dir.path() + ":v2", *store));
    CHECK(error.fault == Fault::not_found);
    CHECK(error.text.find("no image v2 (it has v1)") != std::string::npos);
  }
  SECTION("of which a layer was changed: the size is right, the digest is not") {
    const std::string name = "blobs/sha256/" + image.layers()[0].digest.hex();
    std::string bytes = *read_file(dir.path() + "/" + name, 1 << 20);
    bytes[bytes.size() / 2] ^= 1;
    dir.write(name, bytes);
    CHECK(error_of(pull_from("oci:" + dir.path(), *store)).fault == Fault::corrupt);
  }
  SECTION("of which a layer was cut") {
    const std::string name = "blobs/sha256/" + image.layers()[1].digest.hex();
    dir.write(name, "short");
    const Error error = error_of(pull_from("oci:" + dir.path(), *store));
    CHECK(error.fault == Fault::corrupt);
    CHECK(error.text.find("has 5 bytes, the manifest says") != std::string::npos);
  }
  SECTION("of which a layer leads out of the folder") {
    const std::string name = dir.path() + "/blobs/sha256/" + image.layers()[0].digest.hex();
    REQUIRE(::rename(name.c_str(), (cache.path() + "/outside").c_str()) == 0);
    REQUIRE(::symlink((cache.path() + "/outside").c_str(), name.c_str()) == 0);
    CHECK(!pull_from("oci:" + dir.path(), *store));
  }
  SECTION("of which a layer is a pipe, which nobody writes to") {
    const std::string name = dir.path() + "/blobs/sha256/" + image.layers()[0].digest.hex();
    REQUIRE(::unlink(name.c_str()) == 0);
    REQUIRE(::mkfifo(name.c_str(), 0644) == 0);
    CHECK(error_of(pull_from("oci:" + dir.path(), *store)).fault == Fault::invalid);
  }
  SECTION("of a version to come") {
    dir.write("oci-layout", R"({"imageLayoutVersion":"2.0.0"})");
    CHECK(error_of(pull_from("oci:" + dir.path(), *store)).fault == Fault::unsupported);
  }
}

TEST_CASE("which image of a layout's several", "[oci][local]") {
  struct Case {
    const char* index;
    const char* tag;
    const char* said;
  };
  const std::string entry = R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","size":2,)"
                            R"("digest":"sha256:)" +
                            std::string(64, '0') + "\"";
  const std::string a = entry + R"(,"annotations":{"org.opencontainers.image.ref.name":"a"}})";
  const std::string b = entry + R"(,"annotations":{"org.opencontainers.image.ref.name":"b"}})";
  const std::string two = R"({"manifests":[)" + a + "," + b + "]}";
  const std::string untagged = R"({"manifests":[)" + entry + "}," + entry + "}]}";
  const Case cases[] = {
      {two.c_str(), "", "the layout has 2 images: which? (it has a, b)"},
      {two.c_str(), "c", "no image c (it has a, b)"},
      {two.c_str(), "b", "blobs/sha256/0000"},
      {untagged.c_str(), "", "2 images: which? (none of them has a tag)"},
      {R"({"manifests":[]})", "", "no image"},
      {R"({"manifests":{}})", "", "must be a list"},
      {R"({"manifests":[{"digest":"md5:1","size":1}]})", "", "manifests[0].digest"},
      {R"({"manifests":[{"digest":"sha256:../../x","size":1}]})", "", "manifests[0].digest"},
      {"[]", "", "object"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.index, c.tag);
    const TempDir dir;
    dir.write("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    dir.write("index.json", c.index);
    oci::LayoutSource source(std::make_unique<oci::FolderFiles>(*open_dir(dir.path())), c.tag);
    CHECK(error_of(source.root_manifest()).text.find(c.said) != std::string::npos);
  }
}

TEST_CASE("an image as docker saves it", "[oci][local]") {
  const TempDir dir;
  const TempDir cache;
  auto store = Store::open(cache.path());
  const std::string low = TarBuilder().file("a", "1").bytes();
  const std::string high = TarBuilder().file("b", std::string(100'000, 'x')).bytes();
  const std::string config = config_of({low, high});
  const auto saved = [](const std::string& first, const std::string& second) {
    return R"([{"Config":"c.json","RepoTags":["x:1"],"Layers":[")" + first + "\",\"" + second +
           "\"]}]";
  };

  SECTION("with the list before or behind what it lists") {
    TarBuilder before;
    before.file("manifest.json", saved("1/layer.tar", "2/layer.tar")).file("c.json", config);
    before.file("1/layer.tar", low).file("2/layer.tar", high);
    const auto first = pull_from("docker-archive:" + archive_in(dir, before), *store);
    REQUIRE(error_of(first).text == "");
    CHECK(content(*first, "a") == "1");
    TarBuilder behind;
    behind.file("./2/layer.tar", high).file("./1/layer.tar", low).file("./c.json", config);
    behind.file("manifest.json", saved("1/layer.tar", "2/layer.tar"));
    const auto second = pull_from("docker-archive:" + archive_in(dir, behind), *store);
    REQUIRE(error_of(second).text == "");
    CHECK(first->manifest == second->manifest);
  }
  SECTION("with links for layers that it had before") {
    TarBuilder tar;
    tar.file("1/layer.tar", low).file("real/layer.tar", high);
    tar.symlink("2/layer.tar", "../real/layer.tar").hard_link("3.tar", "1/layer.tar");
    tar.file("manifest.json", saved("3.tar", "2/layer.tar")).file("c.json", config);
    const auto pulled = pull_from("docker-archive:" + archive_in(dir, tar), *store);
    REQUIRE(error_of(pulled).text == "");
    CHECK(content(*pulled, "b").size() == 100'000);
  }
  SECTION("with a compressed layer") {
    TarBuilder tar;
    tar.file("1", gzip(low)).file("2", zstd(high));
    tar.file("manifest.json", saved("1", "2")).file("c.json", config);
    const auto pulled = pull_from("docker-archive:" + archive_in(dir, tar), *store);
    REQUIRE(error_of(pulled).text == "");
    CHECK(content(*pulled, "a") == "1");
  }
}

TEST_CASE("an image as docker would not save it", "[oci][local]") {
  const TempDir dir;
  const std::string low = TarBuilder().file("a", "1").bytes();
  const std::string high = TarBuilder().file("b", "2").bytes();
  struct Case {
    const char* what;
    std::function<void(TarBuilder&)> fill;
    Fault fault;
  };
  const Case cases[] = {
      {"a layer of another image", [&](TarBuilder& tar) { tar.file("1", high).file("2", high); },
       Fault::corrupt},
      {"a link that leads to itself",
       [&](TarBuilder& tar) { tar.symlink("1", "1").file("2", high); }, Fault::invalid},
      {"a link that leads out",
       [&](TarBuilder& tar) { tar.symlink("1", "../../../etc/passwd").file("2", high); },
       Fault::not_found},
      {"a layer that is a folder", [&](TarBuilder& tar) { tar.folder("1").file("2", high); },
       Fault::not_found},
      {"a layer that is missing", [&](TarBuilder& tar) { tar.file("2", high); }, Fault::not_found},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    const TempDir cache;
    auto store = Store::open(cache.path());
    TarBuilder tar;
    tar.file("manifest.json", R"([{"Config":"c.json","Layers":["1","2"]}])");
    tar.file("c.json", config_of({low, high}));
    c.fill(tar);
    CHECK(error_of(pull_from("docker-archive:" + archive_in(dir, tar), *store)).fault == c.fault);
  }
}

TEST_CASE("archives that are none", "[oci][local]") {
  const TempDir dir;
  const TempDir cache;
  auto store = Store::open(cache.path());
  const auto fault_of = [&](const std::string& bytes) {
    dir.write("image.tar", bytes);
    return error_of(pull_from("docker-archive:" + dir.path() + "/image.tar", *store)).fault;
  };
  const std::string whole =
      TarBuilder().file("manifest.json", "[]").file("big", std::string(50'000, 'x')).bytes();
  CHECK(fault_of("") == Fault::not_found);
  CHECK(fault_of("hello") == Fault::invalid);
  CHECK(fault_of(gzip(whole)) == Fault::unsupported);
  CHECK(fault_of(whole) == Fault::invalid);  // no image in the list
  CHECK(fault_of(whole.substr(0, 20'000)) == Fault::invalid);
  CHECK(fault_of(TarBuilder().file("manifest.json", "[{},{}]").bytes()) == Fault::unsupported);
  CHECK(fault_of(TarBuilder().file("manifest.json", std::string(5 << 20, ' ')).bytes()) ==
        Fault::invalid);
  CHECK(error_of(pull_from("oci-archive:" + dir.path() + "/none", *store)).fault ==
        Fault::not_found);
  CHECK(error_of(pull_from("oci-archive:" + dir.path(), *store)).fault == Fault::invalid);
}
