// SPDX-License-Identifier: Apache-2.0
// Every way out of a layer's folder that somebody found: the image is refused with the name of its
// entry, or taken and harmless. Nothing outside of the store changes, and the store is as good as
// before.
#include "test/support/hostile_images.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "oci/pull.h"
#include "oci/store/verify.h"
#include "sandbox/base/path.h"
#include "sandbox/flatten.h"
#include "test/catch.h"
#include "test/support/image_builder.h"
#include "test/support/layer_fixture.h"
#include "test/support/temp_dir.h"
#include "test/support/tree_listing.h"

using namespace podpilot;
using namespace podpilot::test;

namespace {

// What an image might reach: other files of the pod, with everything that can be changed of them.
class Outside {
 public:
  Outside() {
    dir_.write("outside/file", "as it was");
    dir_.write("outside/folder/inner", "as it was");
    REQUIRE(::symlink("file", (path() + "/link").c_str()) == 0);
    REQUIRE(::chmod((path() + "/file").c_str(), 04640) == 0);
    REQUIRE(::chmod((path() + "/folder").c_str(), 0750) == 0);
    REQUIRE(::setxattr((path() + "/file").c_str(), "user.mine", "1", 1, 0) == 0);
    const timespec old[2] = {{1'000'000'000, 5}, {1'000'000'000, 5}};
    for (const char* name : {"/file", "/folder/inner", "/folder", "/link", ""})
      REQUIRE(::utimensat(AT_FDCWD, (path() + name).c_str(), old, AT_SYMLINK_NOFOLLOW) == 0);
    before_ = now();
  }

  std::string path() const { return dir_ / "outside"; }
  bool untouched() const { return now() == before_; }

 private:
  std::string now() const {
    const DirFd folder = open_dir(path()).value();
    std::string all = list_everything(folder);
    for (const char* name : {"/file", "/folder/inner", "/link"}) {
      struct stat st{};
      REQUIRE(::lstat((path() + name).c_str(), &st) == 0);
      all += fmt::format("{} links, {}:{}\n", st.st_nlink, st.st_uid, st.st_gid);
    }
    return all;
  }

  TempDir dir_;
  std::string before_;
};

// The image's files as a job would see them.
std::string tree_of(const oci::Image& image, const std::string& parent) {
  const TempDir dir(parent);
  dir.make_dir("flat");
  sandbox::Ledger ledger;
  const auto flat = sandbox::flatten(image.layers, dir / "flat", {}, ledger);
  if (!flat) return flat.error().text;
  const DirFd top = open_dir(dir / "flat").value();
  const std::string tree = list_tree(top);
  CHECK(sandbox::remove_flattened(dir.fd(), "flat", ledger));
  return tree;
}

void expect_good_pull(oci::Store& store, const std::string& parent, const std::string& mark) {
  ImageSource good({TarBuilder().folder("usr").file("usr/" + mark, "good").bytes()});
  const auto image = oci::pull(good, store, {});
  REQUIRE(error_of(image).text == "");
  CHECK(tree_of(*image, parent) == fmt::format("usr d 0755\nusr/{} f 0644 4\n", mark));
}

void check(const HostileImage& hostile, oci::Store& store, const std::string& parent) {
  ImageSource source(hostile.layers);
  const auto image = oci::pull(source, store, {});
  if (hostile.refused.empty()) {
    CHECK(error_of(image).text == "");
    if (image) CHECK(tree_of(*image, parent) == hostile.tree);
    return;
  }
  if (image) {
    CHECK(tree_of(*image, parent) == "refused");
    return;
  }
  INFO(image.error().text);
  CHECK((image.error().fault == Fault::invalid || image.error().fault == Fault::unsupported));
  for (const std::string& part : hostile.refused) CHECK(image.error().text.contains(part));
  CHECK(std::ranges::none_of(image.error().text, [](char c) { return c >= 0 && c < ' '; }));
}

// `parent` is where the store goes: a tmpfs has user attributes from Linux 6.6 only.
void check_all(const std::vector<HostileImage>& images, const Outside& outside,
               const std::string& parent) {
  const TempDir cache(parent);
  auto store = oci::Store::open(cache.path());
  REQUIRE(store);
  std::set<std::string> names;
  for (const HostileImage& hostile : images) {
    INFO(hostile.name << " (" << hostile.precedent << ")");
    CHECK(names.insert(hostile.name).second);
    CHECK_FALSE(hostile.precedent.empty());
    check(hostile, *store, parent);
    CHECK(outside.untouched());
    expect_good_pull(*store, parent, fmt::format("after{}", names.size()));
  }
  const auto report = oci::verify_store(store->layout(), oci::Repair::no);
  REQUIRE(report);
  for (const oci::DamagedLayer& layer : report->damaged) CHECK(layer.problems.front() == "");
  CHECK(report->incomplete_images.empty());
}

}  // namespace

TEST_CASE("paths", "[oci][layer][hostile]") {
  const Outside outside;
  check_all(hostile_paths(outside.path()), outside, in_memory());
}

TEST_CASE("hard links", "[oci][layer][hostile]") {
  const Outside outside;
  check_all(hostile_links(outside.path()), outside, in_memory());
}

TEST_CASE("whiteouts and opaque folders", "[oci][layer][hostile]") {
  const Outside outside;
  check_all(hostile_whiteouts(outside.path()), outside, "/tmp");
}

TEST_CASE("types, modes, times and attributes", "[oci][layer][hostile]") {
  const Outside outside;
  check_all(hostile_metadata(outside.path()), outside, "/tmp");
}

TEST_CASE("headers", "[oci][layer][hostile]") {
  const Outside outside;
  check_all(hostile_headers(), outside, in_memory());
}

TEST_CASE("sparse files and archives' ends", "[oci][layer][hostile]") {
  const Outside outside;
  check_all(hostile_sizes(), outside, in_memory());
}
