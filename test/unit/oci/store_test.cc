// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <thread>

#include "oci/pull.h"
#include "oci/store/gc.h"
#include "oci/store/staging.h"
#include "oci/store/store.h"
#include "oci/store/stored_layer.h"
#include "oci/store/verify.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "test/catch.h"
#include "test/support/image_builder.h"
#include "test/support/layer_fixture.h"
#include "test/support/tar_builder.h"
#include "test/support/temp_dir.h"
#include "test/support/tree_listing.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::test;
using oci::Store;

namespace {

std::string tar_of(const std::string& name, std::size_t size = 100) {
  return TarBuilder().folder("d").file("d/" + name, std::string(size, 'x')).bytes();
}

oci::Image pulled(Store& store, const std::vector<std::string>& tars, const std::string& name) {
  ImageSource source(tars);
  oci::PullOptions options;
  options.reference = name;
  auto image = oci::pull(source, store, options);
  REQUIRE(error_of(image).text == "");
  return *std::move(image);
}

std::vector<std::string> names_in(BorrowedFd folder) {
  return *list_names(folder);
}

const oci::Platform kHost = oci::Platform::host();

}  // namespace

TEST_CASE("a store is private and says where it is", "[oci][store]") {
  const TempDir dir;
  dir.make_dir("odd:na,me");
  ::chmod((dir / "odd:na,me").c_str(), 02777);
  auto store = Store::open(dir / "odd:na,me");
  REQUIRE(store);
  struct stat st{};
  REQUIRE(::stat((dir / "odd:na,me/v1").c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0700);
  REQUIRE(::stat((dir / "odd:na,me/v1/layers").c_str(), &st) == 0);
  CHECK((st.st_mode & S_ISGID) == 0);
  const oci::Image image = pulled(*store, {tar_of("a")}, "x");
  CHECK(image.layers.front().starts_with(dir / "odd:na,me/v1/layers/"));
}

TEST_CASE("newer formats are told and left alone", "[oci][store]") {
  const TempDir dir;
  dir.write("v7/x", "1");
  dir.write("v12/x", "1");
  dir.write("vault/x", "1");
  auto store = Store::open(dir.path());
  REQUIRE(store);
  CHECK(*store->newer_formats() == std::vector<int>{7, 12});
  CHECK(oci::collect_garbage(store->layout(), {.keep_bytes = 0}));
  CHECK(dir.has("v7/x"));
}

TEST_CASE("a store that cannot be is a clear error", "[oci][store]") {
  const TempDir dir;
  dir.write("file", "");
  const auto store = Store::open(dir / "file");
  REQUIRE_FALSE(store);
  CHECK(store.error().text.find("cache " + (dir / "file")) == 0);
}

TEST_CASE("a pulled image is found again", "[oci][store]") {
  const TempDir dir;
  std::vector<std::string> layers;
  {
    auto store = Store::open(dir.path());
    layers = pulled(*store, {tar_of("a"), tar_of("b")}, "example.com/a:1").layers;
  }
  auto store = Store::open(dir.path());
  const auto found = store->find("example.com/a:1", kHost);
  REQUIRE(found);
  REQUIRE(*found);
  CHECK((*found)->layers == layers);
  CHECK(layers.size() == 3);
  CHECK((*found)->config.env == std::vector<std::string>{"A=b"});
  CHECK_FALSE(*store->find("example.com/a:2", kHost));
  CHECK_FALSE(*store->find("example.com/a:1", oci::Platform{"linux", "other", ""}));
  CHECK(*store->find((*found)->manifest));
  CHECK(names_in(store->layout().staging).empty());
}

TEST_CASE("damaged records count as absent", "[oci][store]") {
  const TempDir dir;
  auto store = Store::open(dir.path());
  const oci::Image image = pulled(*store, {tar_of("a")}, "r");
  const auto damage = [&](BorrowedFd folder, const std::string& name) {
    REQUIRE(replace_file_at(folder, name, "{", 0600, Durable::no));
    CHECK_FALSE(*store->find("r", kHost));
  };
  damage(store->layout().images, oci::image_file(image.manifest));
  pulled(*store, {tar_of("a")}, "r");
  REQUIRE(*store->find("r", kHost));
  damage(store->layout().refs, oci::ref_file("r", kHost.str()));
}

TEST_CASE("reference names become file names", "[oci][store]") {
  const std::string a = oci::ref_file("example.com/a:1", "linux/amd64");
  CHECK(a == "example.com%2fa:1%20linux%2famd64.json");
  CHECK(oci::ref_file("../../x", "").starts_with("%2e."));
  const std::string x = oci::ref_file(std::string(4000, 'x'), "");
  CHECK(x.size() < 255);
  CHECK(x != oci::ref_file(std::string(4001, 'x'), ""));
}

TEST_CASE("what a killed process left is removed, what a live one makes is not", "[oci][store]") {
  const TempDir dir;
  auto store = Store::open(dir.path());
  const pid_t child = ::fork();
  if (child == 0) {
    auto dead = oci::Staging::create(store->layout().staging);
    (void)unpack(tar_of("a"), dead->dir());
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  CHECK(names_in(store->layout().staging).size() == 2);
  auto alive = oci::Staging::create(store->layout().staging);
  REQUIRE(alive);
  auto next = Store::open(dir.path());
  REQUIRE(next);
  CHECK(names_in(store->layout().staging).size() == 2);
  CHECK(unpack(tar_of("a"), alive->dir()));
}

TEST_CASE("locks exclude, share and survive the removal of their file", "[oci][store]") {
  using oci::FileLock;
  const TempDir dir;
  auto shared = FileLock::try_acquire(dir.fd(), "l", FileLock::Mode::shared);
  REQUIRE(*shared);
  CHECK(*FileLock::try_acquire(dir.fd(), "l", FileLock::Mode::shared));
  CHECK_FALSE(*FileLock::try_acquire(dir.fd(), "l", FileLock::Mode::exclusive));
  shared->reset();
  auto own = FileLock::try_acquire(dir.fd(), "l", FileLock::Mode::exclusive);
  REQUIRE(*own);
  std::stop_source stop;
  std::jthread waiter([&] {
    const auto lock = FileLock::acquire(dir.fd(), "l", FileLock::Mode::shared, stop.get_token());
    if (!lock || !dir.has("l")) std::abort();
  });
  ::usleep(50'000);
  (*own)->remove_file(dir.fd(), "l");
  own->reset();
  waiter.join();
  auto again = FileLock::try_acquire(dir.fd(), "l", FileLock::Mode::exclusive);
  stop.request_stop();
  CHECK(error_of(FileLock::acquire(dir.fd(), "l", FileLock::Mode::shared, stop.get_token())).text ==
        "cancelled");
}

TEST_CASE("gc removes the least recently used and keeps what is in use", "[oci][store]") {
  const TempDir dir;
  auto store = Store::open(dir.path());
  const std::string base = tar_of("base", 50'000);
  std::optional<oci::Image> old = pulled(*store, {base, tar_of("old", 50'000)}, "old");
  const oci::Digest old_manifest = old->manifest;
  old.reset();
  std::optional<oci::Image> used = pulled(*store, {base, tar_of("used", 50'000)}, "used");
  const oci::Digest newer = pulled(*store, {base, tar_of("new", 50'000)}, "new").manifest;
  timespec times[2] = {{1000, 0}, {1000, 0}};
  ::utimensat(store->layout().images.get(), oci::image_file(old_manifest).c_str(), times, 0);

  const std::uint64_t all = *oci::used_bytes(store->layout());
  CHECK(all > 200'000);
  auto report = oci::collect_garbage(store->layout(), {.keep_bytes = all - 1});
  REQUIRE(report);
  CHECK(report->images == std::vector{old_manifest});
  CHECK(report->layers == 1);
  CHECK_FALSE(*store->find("old", kHost));
  CHECK(*store->find("new", kHost));

  report = oci::collect_garbage(store->layout(), {.keep_bytes = 0});
  REQUIRE(report);
  CHECK(report->images == std::vector{newer});
  CHECK(report->images_in_use == 1);
  CHECK(names_in(store->layout().layers).size() == 2);
  CHECK(::access(used->layers.front().c_str(), F_OK) == 0);
  CHECK(::access(used->layers.back().c_str(), F_OK) == 0);
  CHECK(*store->find("used", kHost));

  used.reset();
  report = oci::collect_garbage(store->layout(), {.keep_bytes = 0});
  REQUIRE(report);
  CHECK(report->bytes_after == 0);
  for (BorrowedFd folder : {BorrowedFd(store->layout().layers), BorrowedFd(store->layout().images),
                            BorrowedFd(store->layout().refs), BorrowedFd(store->layout().fixups),
                            BorrowedFd(store->layout().locks), BorrowedFd(store->layout().staging)})
    CHECK(names_in(folder) == std::vector<std::string>());
}

TEST_CASE("how much may stay", "[oci][store]") {
  constexpr std::uint64_t kAny = UINT64_MAX;
  struct Row {
    oci::GcGoal goal;
    std::uint64_t used, free, stays;  // on a disk of 1000 bytes
  };
  const auto rows = std::to_array<Row>({
      {{.keep_bytes = kAny, .free_bytes = 0}, 100, 0, 100},
      {{.keep_bytes = 30, .free_bytes = 0}, 100, 0, 30},
      {{.keep_bytes = 300, .free_bytes = 0}, 100, 0, 100},
      {{.keep_bytes = kAny, .free_bytes = 50}, 100, 50, 100},
      {{.keep_bytes = kAny, .free_bytes = 50}, 100, 20, 70},
      {{.keep_bytes = kAny, .free_bytes = 500}, 100, 20, 0},
      {{.keep_bytes = 40, .free_bytes = 50}, 100, 20, 40},
      {{.keep_bytes = 90, .free_bytes = 50}, 100, 20, 70},
      {{.keep_bytes = kAny, .free_percent = 10}, 100, 100, 100},
      {{.keep_bytes = kAny, .free_percent = 10}, 100, 99, 99},
      {{.keep_bytes = kAny, .free_percent = 100}, 100, 900, 0},
      {{.keep_bytes = kAny, .free_bytes = 50, .free_percent = 4}, 100, 20, 70},
      {{.keep_bytes = kAny, .free_bytes = 50, .free_percent = 6}, 100, 20, 60},
  });
  for (const Row& row : rows)
    CHECK(std::min(oci::may_stay(row.goal, row.used, {.size = 1000, .free = row.free}), row.used) ==
          row.stays);
}

TEST_CASE("gc spares one image, and is asked for nothing where the goal is reached",
          "[oci][store]") {
  const TempDir dir;
  auto store = Store::open(dir.path());
  const oci::Digest oldest = pulled(*store, {tar_of("old", 50'000)}, "old").manifest;
  const oci::Digest newest = pulled(*store, {tar_of("new", 50'000)}, "new").manifest;
  const std::uint64_t all = *oci::used_bytes(store->layout());
  CHECK(*oci::is_reached(store->layout(), {.keep_bytes = all}));
  CHECK_FALSE(*oci::is_reached(store->layout(), {.keep_bytes = all - 1}));
  CHECK(*oci::is_reached(store->layout(), {.free_bytes = 1}));
  CHECK_FALSE(*oci::is_reached(store->layout(), {.free_bytes = UINT64_MAX}));
  CHECK_FALSE(*oci::is_reached(store->layout(), {.free_percent = 100}));
  std::stop_source stopped;
  stopped.request_stop();
  auto report = oci::collect_garbage(store->layout(), {.keep_bytes = 0}, stopped.get_token());
  REQUIRE(report);
  CHECK(report->images.empty());
  report = oci::collect_garbage(store->layout(), {.keep_bytes = 0, .spare = oldest});
  REQUIRE(report);
  CHECK(report->images == std::vector{newest});
  CHECK(*store->find("old", kHost));
}

TEST_CASE("one gc waits for another", "[oci][store]") {
  const TempDir dir;
  auto store = Store::open(dir.path());
  using oci::FileLock;
  auto other = *FileLock::try_acquire(store->layout().locks, "gc", FileLock::Mode::exclusive);
  REQUIRE(other);
  std::stop_source stopped;
  stopped.request_stop();
  CHECK(error_of(oci::collect_garbage(store->layout(), {}, stopped.get_token())).text ==
        "cancelled");
  other.reset();
  CHECK(oci::collect_garbage(store->layout(), {}));
}

TEST_CASE("gc makes room until so much is free", "[oci][store]") {
  const TempDir dir;
  auto store = Store::open(dir.path());
  pulled(*store, {tar_of("old", 50'000)}, "old");
  auto report = oci::collect_garbage(store->layout(), {.free_bytes = 1});
  REQUIRE(report);
  CHECK(report->images.empty());
  report = oci::collect_garbage(store->layout(), {.free_bytes = UINT64_MAX});
  REQUIRE(report);
  CHECK(report->images.size() == 1);
  CHECK(report->bytes_after == 0);
}

TEST_CASE("a disk that becomes read-only has nothing left", "[oci][store]") {
  if (::geteuid() != 0) return;  // who cannot mount has no such disk
  const TempDir dir;
  const pid_t child = fork_into(CLONE_NEWNS);
  REQUIRE(child >= 0);
  if (child == 0) {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", dir.path().c_str(), "tmpfs", 0, "size=1m") != 0)
      ::_exit(2);
    const auto store = oci::StoreLayout::open(dir.path());
    if (!store || oci::look_at_disk(*store).value_or(oci::Disk{}).free == 0) ::_exit(3);
    if (::mount("none", dir.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) != 0)
      ::_exit(4);
    const Result<oci::Disk> left = oci::look_at_disk(*store);
    ::_exit(!left && left.error().fault == Fault::denied ? 0 : 5);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("gc removes what crashes left, and no lock that is held", "[oci][store]") {
  const TempDir dir;
  auto store = Store::open(dir.path());
  const oci::StoreLayout& layout = store->layout();
  const oci::Digest whole = pulled(*store, {tar_of("a")}, "whole").manifest;
  const oci::Digest torn = pulled(*store, {tar_of("b")}, "torn").manifest;
  const oci::Digest lost = pulled(*store, {tar_of("c")}, "lost").manifest;
  // As after a crash of the node: a file without its content, and one that never came.
  REQUIRE(::ftruncate(open_beneath(layout.images, oci::image_file(torn), O_WRONLY)->get(), 0) == 0);
  REQUIRE(::unlinkat(layout.images.get(), oci::image_file(lost).c_str(), 0) == 0);
  REQUIRE(replace_file_at(layout.images, ".half.tmp", "{", 0600, Durable::no));
  REQUIRE(replace_file_at(layout.refs, "nonsense", "{", 0600, Durable::no));
  const std::string idle = oci::layer_lock(oci::Digest::of("idle"));
  const std::string held = oci::layer_lock(oci::Digest::of("held"));
  using oci::FileLock;
  REQUIRE(*FileLock::try_acquire(layout.locks, idle, FileLock::Mode::exclusive));
  const auto lock = *FileLock::try_acquire(layout.locks, held, FileLock::Mode::shared);
  REQUIRE(lock);
  REQUIRE(oci::collect_garbage(layout, {}));
  CHECK(names_in(layout.images) == std::vector{oci::image_file(whole)});
  CHECK(names_in(layout.refs) == std::vector{oci::ref_file("whole", kHost.str())});
  const std::vector<std::string> locks = names_in(layout.locks);
  CHECK(std::ranges::find(locks, idle) == locks.end());
  CHECK(std::ranges::find(locks, held) != locks.end());
  CHECK(*store->find("whole", kHost));
}

TEST_CASE("verify finds damage and can remove it", "[oci][store]") {
  const TempDir dir;
  auto store = Store::open(dir.path());
  std::optional<oci::Image> image = pulled(*store, {tar_of("f", 5000), tar_of("g")}, "r");
  CHECK(oci::verify_store(store->layout(), oci::Repair::no)->damaged.empty());
  const std::string file = image->layers.front() + "/d/f";
  const auto problem = [&] {
    const auto report = oci::verify_store(store->layout(), oci::Repair::no);
    return report->damaged.size() == 1 ? report->damaged[0].problems.front() : "";
  };
  SECTION("a bit") {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    CHECK(::pwrite(fd, "y", 1, 4000) == 1);
    ::close(fd);
    CHECK(problem() == "d/f: has another content");
  }
  SECTION("size") {
    CHECK(::truncate(file.c_str(), 10) == 0);
    CHECK(problem() == "d/f: has 10 bytes, not 5000");
  }
  SECTION("mode") {
    ::chmod(file.c_str(), 04755);
    CHECK(problem() == "d/f: has another mode");
  }
  SECTION("gone, and another type in its place") {
    ::unlink(file.c_str());
    CHECK(problem() == "d/f: ENOENT");
    CHECK(::symlink("/etc/passwd", file.c_str()) == 0);
    CHECK(problem() == "d/f: is of another type");
  }
  SECTION("a stranger") {
    ::close(::open((image->layers.front() + "/d/new").c_str(), O_CREAT | O_CLOEXEC, 0600));
    CHECK(problem() == "d: has an unknown new");
  }
  SECTION("the index") {
    const std::string index = image->layers.front() + "/../index";
    CHECK(::truncate(index.c_str(), 50) == 0);
    CHECK(problem().starts_with("layer index"));
  }
  auto report = oci::verify_store(store->layout(), oci::Repair::remove_damaged);
  CHECK(report->damaged[0].in_use);
  CHECK_FALSE(report->damaged[0].removed);
  image.reset();
  report = oci::verify_store(store->layout(), oci::Repair::remove_damaged);
  CHECK(report->damaged[0].removed);
  CHECK_FALSE(*store->find("r", kHost));
  pulled(*store, {tar_of("f", 5000), tar_of("g")}, "r");
  CHECK(oci::verify_store(store->layout(), oci::Repair::no)->damaged.empty());
}

TEST_CASE("after a restart of the node layers are compared before they are used", "[oci][store]") {
  const TempDir dir;
  std::string file;
  {
    auto store = Store::open(dir.path());
    const oci::Image image = pulled(*store, {tar_of("f", 5000), tar_of("g")}, "r");
    file = image.layers.front() + "/d/f";
    // As another boot would have left it.
    const std::string record_name = oci::image_file(image.manifest);
    auto record =
        *oci::ImageRecord::parse(*read_file_at(store->layout().images, record_name, 1 << 20));
    record.boot = "other";
    REQUIRE(replace_file_at(store->layout().images, record_name, record.str(), 0600, Durable::no));
  }
  auto store = Store::open(dir.path());
  CHECK_FALSE(*store->find("r", kHost, Store::Unsettled::skip));
  SECTION("whole") {
    const auto found = store->find("r", kHost);
    REQUIRE(found);
    CHECK(*found);
  }
  SECTION("damaged: pulled again") {
    // The layer's index names its boot, too: make it another one's by a copy that says so.
    const auto index_path = file.substr(0, file.rfind("/fs/")) + "/index";
    std::string text = *read_file(index_path, 1 << 20);
    const auto parsed = *oci::parse_layer_index(text);
    UniqueFd fd(::open(index_path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    oci::LayerIndexWriter writer(fd, "other");
    for (std::size_t i = 0; i < parsed.entries.size(); ++i) REQUIRE(writer.add(parsed.entries[i]));
    REQUIRE(writer.finish(1));
    CHECK(::truncate(file.c_str(), 0) == 0);
    CHECK_FALSE(*store->find("r", kHost));
    ImageSource source({tar_of("f", 5000), tar_of("g")});
    CHECK(oci::pull(source, *store, {}));
    CHECK(source.served() == 2);  // the config and one layer
    CHECK(read_file(file, 10'000)->size() == 5000);
  }
}

TEST_CASE("a full disk is Fault::exhausted and leaves nothing", "[oci][store]") {
  const TempDir dir;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto store = Store::open(dir.path());
    // Stands for ENOSPC: files stop growing at a limit.
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ImageSource source({tar_of("small"), tar_of("large", 1'000'000)});
    const auto image = oci::pull(source, *store, {});
    const bool right = !image && image.error().fault == Fault::exhausted &&
                       names_in(store->layout().staging).empty() &&
                       names_in(store->layout().images).empty();
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}
