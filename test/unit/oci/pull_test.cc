// SPDX-License-Identifier: Apache-2.0
#include "oci/pull.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <thread>

#include "oci/store/gc.h"
#include "oci/store/layout.h"
#include "oci/store/verify.h"
#include "sandbox/base/path.h"
#include "test/catch.h"
#include "test/support/image_builder.h"
#include "test/support/layer_fixture.h"
#include "test/support/tar_builder.h"
#include "test/support/temp_dir.h"

using namespace podpilot;
using namespace podpilot::test;
using oci::Store;
using State = oci::LayerProgress::State;

namespace {

std::string tar_of(const std::string& name, std::size_t size = 100) {
  std::string content;
  for (std::size_t i = 0; content.size() < size; ++i) content += std::to_string(i * 7919);
  return TarBuilder().file(name, content).bytes();
}

std::size_t count(BorrowedFd folder) {
  return list_names(folder)->size();
}

}  // namespace

TEST_CASE("layers are pulled once, and told about", "[oci][pull]") {
  const TempDir dir;
  auto store = Store::open(dir.path());
  ImageSource source({tar_of("a"), tar_of("b", 3'000'000), tar_of("c")});
  std::map<std::size_t, std::vector<State>> told;
  oci::PullOptions options;
  options.threads = 2;
  options.progress = [&](const oci::LayerProgress& progress) {
    CHECK(progress.layers == 3);
    CHECK(progress.bytes <= progress.total);
    auto& states = told[progress.layer];
    if (states.empty() || states.back() != progress.state) states.push_back(progress.state);
  };
  const auto image = oci::pull(source, *store, options);
  REQUIRE(error_of(image).text == "");
  CHECK(image->layers.size() == 4);
  CHECK(told.size() == 3);
  for (const auto& [layer, states] : told)
    CHECK(states == std::vector{State::waiting, State::pulling, State::done});
  CHECK(source.served() == 4);

  ImageSource other({tar_of("a"), tar_of("d")});
  told.clear();
  options.progress = [&](const oci::LayerProgress& p) { told[p.layer] = {p.state}; };
  REQUIRE(oci::pull(other, *store, options));
  CHECK(other.served() == 2);
  CHECK(told[0].back() == State::present);
  CHECK(told[1].back() == State::done);
  REQUIRE(oci::pull(other, *store, options));
  CHECK(other.served() == 2);
}

TEST_CASE("an index leads to this machine's image", "[oci][pull]") {
  const TempDir dir;
  auto store = Store::open(dir.path());
  ImageSource source({tar_of("a")});
  source.wrap_in_index();
  CHECK(oci::pull(source, *store, {}));
}

TEST_CASE("an index of indexes is followed, three deep are refused", "[oci][pull][hostile]") {
  const TempDir cache(in_memory());
  auto store = oci::Store::open(cache.path());
  ImageSource source({TarBuilder().file("f").bytes()});
  source.wrap_in_index();
  source.wrap_in_index();
  CHECK(error_of(oci::pull(source, *store, {})).text == "");
  source.wrap_in_index();
  const auto image = oci::pull(source, *store, {});
  CHECK(error_of(image).fault == Fault::invalid);
  CHECK(error_of(image).text == "indexes within indexes");
}

TEST_CASE("images without layers, and with one layer twice", "[oci][pull]") {
  const TempDir dir;
  auto store = Store::open(dir.path());
  ImageSource none({});
  const auto empty = oci::pull(none, *store, {});
  REQUIRE(error_of(empty).text == "");
  CHECK(empty->layers.size() == 1);
  const std::string a = tar_of("a");
  ImageSource twice({a, TarBuilder().whiteout("a").bytes(), a});
  const auto image = oci::pull(twice, *store, {});
  REQUIRE(error_of(image).text == "");
  CHECK(image->layers.size() == 3);
  CHECK(*store->find(image->manifest));
}

TEST_CASE("errors name the layer and leave a store without the image", "[oci][pull]") {
  const TempDir dir;
  auto store = Store::open(dir.path());
  ImageSource source({tar_of("a"), tar_of("b"), tar_of("c")});
  const oci::Digest bad = source.layers()[1].digest;
  oci::PullOptions options;
  options.reference = "r";
  options.threads = 1;
  SECTION("wrong bytes") {
    source.serve_instead(bad, tar_of("x"));
    const auto image = oci::pull(source, *store, options);
    REQUIRE_FALSE(image);
    CHECK(image.error().fault == Fault::corrupt);
    CHECK(image.error().text.starts_with("layer 2/3 " + bad.str() + ": the digest is"));
  }
  SECTION("a connection that breaks") {
    source.before_blob = [&](const oci::Descriptor& blob) -> Result<void> {
      if (blob.digest == bad) return Error{Fault::transient, "connection lost"};
      return {};
    };
    const auto image = oci::pull(source, *store, options);
    REQUIRE_FALSE(image);
    CHECK(image.error().fault == Fault::transient);
    CHECK(image.error().text == "layer 2/3 " + bad.str() + ": connection lost");
  }
  SECTION("stopped") {
    std::stop_source stop;
    options.stop = stop.get_token();
    source.before_blob = [&](const oci::Descriptor&) -> Result<void> {
      stop.request_stop();
      return {};
    };
    const auto image = oci::pull(source, *store, options);
    REQUIRE_FALSE(image);
    CHECK(image.error().fault == Fault::transient);
  }
  CHECK_FALSE(*store->find("r", options.platform));
  CHECK(count(store->layout().images) == 0);
  CHECK(count(store->layout().staging) == 0);
  CHECK(oci::verify_store(store->layout(), oci::Repair::no)->damaged.empty());
}

TEST_CASE("a wrong diffID is found out", "[oci][pull][hostile]") {
  const TempDir dir;
  auto store = Store::open(dir.path());
  ImageSource source({tar_of("a")});
  ImageSource other({tar_of("b")});
  // The manifest's layer is right, the config tells of another one.
  const auto image = [&] {
    class Mixed : public oci::Source {
     public:
      Mixed(ImageSource& a, ImageSource& b) : a_(a), b_(b) {}
      Result<oci::Document> root_manifest() override {
        oci::Document document = TRY(a_.root_manifest());
        const std::size_t at = document.bytes.find(a_.layers()[0].digest.str());
        document.bytes.replace(at, 71, b_.layers()[0].digest.str());
        const std::string size = "\"size\":" + std::to_string(a_.layers()[0].size);
        const std::size_t size_at = document.bytes.rfind(size);
        document.bytes.replace(size_at, size.size(),
                               "\"size\":" + std::to_string(b_.layers()[0].size));
        document.digest = oci::Digest::of(document.bytes);
        return document;
      }
      Result<oci::Document> manifest(const oci::Descriptor& d) override { return a_.manifest(d); }
      Result<void> blob(const oci::Descriptor& d, const oci::Sink& sink) override {
        return d.digest == b_.layers()[0].digest ? b_.blob(d, sink) : a_.blob(d, sink);
      }

     private:
      ImageSource& a_;
      ImageSource& b_;
    };
    Mixed mixed(source, other);
    return oci::pull(mixed, *store, {});
  }();
  REQUIRE_FALSE(image);
  CHECK(image.error().fault == Fault::corrupt);
  CHECK(image.error().text.find("the digest of the unpacked layer") != std::string::npos);
}

TEST_CASE("two pulls of one image share the work", "[oci][pull]") {
  const TempDir dir;
  ImageSource source({tar_of("a", 400'000), tar_of("b", 2'000'000), tar_of("c", 1'000'000)});
  std::vector<std::jthread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      auto store = Store::open(dir.path());
      good += store && oci::pull(source, *store, {});
    });
  threads.clear();
  CHECK(good == 4);
  // Each process asks for the config; each layer came once.
  CHECK(source.served() <= 4 + 3);
}

TEST_CASE("a pull that is killed leaves a store that the next one uses", "[oci][pull]") {
  const TempDir dir;
  const std::vector<std::string> tars = {tar_of("a", 500'000), tar_of("b", 2'000'000),
                                         tar_of("c", 1'500'000)};
  for (unsigned delay = 1'000; delay < 40'000; delay += 3'000) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      auto store = Store::open(dir.path());
      ImageSource source(tars);
      (void)oci::pull(source, *store, {});
      ::_exit(0);
    }
    ::usleep(delay);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    auto store = Store::open(dir.path());
    REQUIRE(store);
    CHECK(oci::verify_store(store->layout(), oci::Repair::no)->damaged.empty());
    CHECK(count(store->layout().staging) == 0);
  }
  auto store = Store::open(dir.path());
  ImageSource source(tars);
  CHECK(oci::pull(source, *store, {}));
}

TEST_CASE("a name that means the same as before costs one question", "[oci][pull]") {
  const TempDir dir;
  auto store = Store::open(dir.path());
  ImageSource source({tar_of("a"), tar_of("b")});
  source.wrap_in_index();
  const oci::Digest root = source.root_manifest()->digest;
  source.told_root = root;
  oci::PullReport report;
  oci::PullOptions options;
  options.report = &report;
  const auto roots_of_pull = [&](const std::string& reference) {
    options.reference = reference;
    const std::size_t before = source.roots();
    const auto image = oci::pull(source, *store, options);
    REQUIRE(error_of(image).text == "");
    CHECK(image->layers.size() == 3);
    return source.roots() - before;
  };
  CHECK(roots_of_pull("example.com/a:1") == 1);
  CHECK(report.pulled == 2);
  CHECK(roots_of_pull("example.com/a:1") == 0);
  CHECK(report.pulled == 0);
  CHECK(report.present == 2);
  // Another name, none at all, a source that does not say, one that means something else by now.
  CHECK(roots_of_pull("example.com/a:2") == 1);
  CHECK(roots_of_pull("") == 1);
  source.told_root.reset();
  CHECK(roots_of_pull("example.com/a:1") == 1);
  source.told_root = oci::Digest::of("other");
  CHECK(roots_of_pull("example.com/a:1") == 1);
  source.told_root = root;
  CHECK(roots_of_pull("example.com/a:1") == 0);
  // Known, but not there any more.
  REQUIRE(oci::collect_garbage(store->layout(), {.keep_bytes = 0}));
  CHECK(roots_of_pull("example.com/a:1") == 1);
  CHECK(report.pulled == 2);
}
