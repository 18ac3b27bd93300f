// SPDX-License-Identifier: Apache-2.0
// The tree that a payload sees: layers, binds, what images get wrong.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sandbox/base/path.h"
#include "test/catch.h"
#include "test/support/flight.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::test;

TEST_CASE("layers stay as they are whatever a payload writes or removes", "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image;
  image.dir().write(image.layer("etc/kept"), "kept");
  const Flight flight = fly(image.spec({"look", "write", "/etc/kept", "changed", "write", "/new",
                                        "x", "rm", "/in-image", "cat", "/etc/kept", "ls", "/"}));
  CHECK(flight.output == "write ok\nwrite ok\nrm ok\nchangedbin dev etc new proc sys tmp \n");
  CHECK(image.dir().read(image.layer("etc/kept")) == "kept");
  struct stat st{};
  CHECK(::stat((image.dir() / image.layer("in-image")).c_str(), &st) == 0);
  CHECK(::stat((image.dir() / image.layer("new")).c_str(), &st) != 0);
}

TEST_CASE("whiteouts and opaque folders of a layer hide what is below", "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image;
  image.dir().write(image.layer("opt/below"), "");
  image.dir().write(image.layer("etc/gone"), "");
  image.dir().write(image.layer("etc/stays"), "");
  image.add_layer("second");
  image.dir().write(image.layer("opt/above"), "");
  image.dir().folder(image.layer("etc"));
  REQUIRE(::setxattr((image.dir() / image.layer("opt")).c_str(), "user.overlay.opaque", "y", 1,
                     0) == 0);
  REQUIRE(::mknod((image.dir() / image.layer("etc/gone")).c_str(), S_IFCHR, makedev(0, 0)) == 0);
  const Flight flight =
      fly(image.spec({"look", "ls", "/opt", "stat", "/etc/gone", "stat", "/etc/stays"}));
  CHECK(flight.output == "above \n/etc/gone ENOENT\n/etc/stays 100644 0:0\n");
}

TEST_CASE("the root has the mode of the topmost layer", "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image;
  image.add_layer("second");
  image.dir().folder("second", 0711);
  const Flight flight = fly(image.spec({"look", "stat", "/", "stat", "/tmp"}));
  CHECK(flight.output == "/ 40711 0:0\n/tmp 41777 0:0\n");
}

TEST_CASE("127 layers below a long path with colons, commas and spaces", "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image("a:b,c d\\e");
  for (int i = 0; i < 126; ++i) {
    image.add_layer(std::string(180, 'n') + ":,\\ " + std::to_string(i));
    image.dir().write(image.layer("etc/layer" + std::to_string(i)), "");
    image.dir().write(image.layer("etc/top"), std::to_string(i));
  }
  const Flight flight = fly(image.spec({"look", "cat", "/etc/top", "stat", "/etc/layer0"}));
  INFO(flight.text());
  CHECK(flight.output == "125/etc/layer0 100644 0:0\n");
}

TEST_CASE("binds are read-only unless asked for otherwise", "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image;
  image.dir().write("host/file", "host");
  sandbox::Spec spec = image.spec({"look", "cat", "/ro/file", "write", "/ro/file", "x", "write",
                                   "/a/b/rw/new", "inside", "write", "/one", "y", "cat", "/one"});
  spec.binds = {
      {.source = image.dir() / "host", .target = "/ro"},
      {.source = image.dir() / "host", .target = "/a/b/rw", .access = sandbox::Access::read_write},
      {.source = image.dir() / "host/file", .target = "/one"}};
  const Flight flight = fly(spec);
  INFO(flight.text());
  CHECK(flight.output == "hostwrite EROFS\nwrite ok\nwrite EROFS\nhost");
  CHECK(image.dir().read("host/new") == "inside");
  CHECK(image.dir().read("host/file") == "host");
}

TEST_CASE("a bind whose source is absent is an error, also under its own name", "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image;
  const std::string absent = image.dir() / "absent";
  for (const std::string& target : {std::string("/data"), absent}) {
    sandbox::Spec spec = image.spec({"look"});
    spec.binds = {{.source = absent, .target = target}};
    CHECK(fly(spec).text() == "failed: bind " + absent + " on " + target +
                                  ": open: ENOENT (No such file or directory)");
  }
}

TEST_CASE("a bind target goes through links of the image and stays inside", "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image;
  image.dir().write("host/file", "host");
  image.dir().link(image.layer("scratch"), "/etc");
  image.dir().link(image.layer("up"), "../../../../../../tmp");
  image.dir().link(image.layer("dangling"), "/not/there");
  sandbox::Spec spec =
      image.spec({"look", "cat", "/etc/file", "cat", "/tmp/file", "cat", "/dangling/x/file"});
  for (const char* target : {"/scratch", "/up", "/dangling/x"})
    spec.binds.push_back({.source = image.dir() / "host", .target = target});
  const Flight flight = fly(spec);
  INFO(flight.text());
  CHECK(flight.output == "hosthosthost");
  struct stat st{};
  CHECK(::stat("/tmp/file", &st) != 0);
}

TEST_CASE("a bind target is never made outside, whatever the image has on the way",
          "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image;
  image.dir().write("host/file", "host");
  image.dir().folder("outside");
  const std::string outside = image.dir() / "outside";
  image.dir().link(image.layer("absolute"), outside);
  image.dir().link(image.layer("climbing"), "../../../../../../../../" + outside);
  image.dir().link(image.layer("chain"), "climbing");
  image.dir().link(image.layer("magic"), "/proc/self/root" + outside);
  const auto check_made_inside = [&](const std::string& link,
                                     const std::vector<std::string>& seen_at) {
    CAPTURE(link);
    std::vector<std::string> look = {"look"};
    std::string expected;
    for (const std::string& path : seen_at) {
      look.insert(look.end(), {"cat", path + "/made/file"});
      expected += "host";
    }
    sandbox::Spec spec = image.spec(look);
    spec.binds = {{.source = image.dir() / "host", .target = link + "/made"}};
    const Flight flight = fly(spec);
    INFO(flight.text());
    CHECK(flight.output == expected);
    CHECK(::access((outside + "/made").c_str(), F_OK) != 0);
  };
  for (const char* link : {"/absolute", "/climbing", "/chain"}) check_made_inside(link, {link});
  image.dir().folder(image.layer(outside.substr(1)));  // now they lead to something
  for (const char* link : {"/absolute", "/climbing", "/chain"})
    check_made_inside(link, {link, outside});

  sandbox::Spec spec = image.spec({"look"});
  spec.binds = {{.source = image.dir() / "host", .target = "/magic/made"}};
  fly(spec);
  CHECK(::access((outside + "/made").c_str(), F_OK) != 0);
  spec = image.spec({"look"});
  spec.binds = {{.source = image.dir() / "host", .target = "/in-image/made"}};
  CHECK(fly(spec).text().find("/in-image/made: ") != std::string::npos);
}

TEST_CASE("a bind below another is made in what that one shows", "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image;
  image.dir().write("host/file", "host");
  image.dir().folder("shown");
  image.dir().folder("outside");
  image.dir().link("shown/trap", image.dir() / "outside");
  sandbox::Spec spec = image.spec({"look", "cat", "/shown/new/file", "cat", "/shown/trap/x/file"});
  spec.binds = {
      {.source = image.dir() / "shown", .target = "/shown", .access = sandbox::Access::read_write},
      {.source = image.dir() / "host", .target = "/shown/new"},
      {.source = image.dir() / "host", .target = "/shown/trap/x"}};
  const Flight flight = fly(spec);
  INFO(flight.text());
  CHECK(flight.output == "hosthost");
  CHECK(::access((image.dir() / "outside/x").c_str(), F_OK) != 0);
}

TEST_CASE("a bind target that leads to the root itself is refused", "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image;
  image.dir().folder("host");
  image.dir().link(image.layer("scratch"), "../../..");
  sandbox::Spec spec = image.spec({"look"});
  spec.binds = {{.source = image.dir() / "host", .target = "/scratch"}};
  const Flight flight = fly(spec);
  CHECK(flight.text().ends_with("on /scratch: the image has a link there that leads to /"));
  CHECK(flight.last->fault == Fault::invalid);
}

TEST_CASE("an image whose /proc, /sys or /dev are links gets its own all the same",
          "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image;
  image.dir().link(image.layer("proc"), "/etc/p");
  image.dir().link(image.layer("sys"), "../../s");
  image.dir().link(image.layer("dev"), "/in/../nowhere");
  const Flight flight =
      fly(image.spec({"look", "cat", "/proc/self/comm", "stat", "/dev/null", "write",
                      "/proc/sys/kernel/hostname", "x", "ls", "/sys/firmware"}));
  INFO(flight.text());
  CHECK(flight.output == "look\n/dev/null 20666 65534:65534\nwrite EROFS\n\n");
}

TEST_CASE("tmpfs of the asked size is mounted", "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image;
  sandbox::Spec spec =
      image.spec({"look", "stat", "/scratch", "write", "/scratch/f", std::string(100'000, 'x')});
  spec.tmpfs = {{.target = "/scratch", .size = 65536}};
  const Flight flight = fly(spec);
  INFO(flight.text());
  CHECK(flight.output == "/scratch 41777 0:0\nwrite ok\n");  // 64 of the 100 kB: a short write
}

TEST_CASE("/etc/resolv.conf is the pod's though the image has it as a dangling link",
          "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  struct stat st{};
  if (::stat("/etc/resolv.conf", &st) != 0) return;
  Image image;
  image.dir().link(image.layer("etc/resolv.conf"), "../run/systemd/resolve/stub-resolv.conf");
  const Flight flight = fly(image.spec({"look", "stat", "/etc/resolv.conf"}));
  INFO(flight.text());
  CHECK(flight.output.starts_with("/etc/resolv.conf 100"));
}

TEST_CASE("a hostname is written into no file but the sandbox's own", "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image;
  image.dir().write("outside", "kept");
  image.dir().write(image.layer("etc/other"), "kept");
  const std::string file = image.layer("etc/hostname");
  SECTION("nothing there") {}
  SECTION("a file of the image") {
    image.dir().write(file, "image");
  }
  SECTION("a link to the outside") {
    image.dir().link(file, image.dir() / "outside");
  }
  SECTION("a link to another file of the image") {
    image.dir().link(file, "other");
  }
  SECTION("a fifo that nobody reads") {
    REQUIRE(::mkfifo((image.dir() / file).c_str(), 0644) == 0);
  }
  sandbox::Spec spec = image.spec({"look", "cat", "/etc/hostname", "stat", "/etc/hostname", "cat",
                                   "/proc/sys/kernel/hostname", "cat", "/etc/other"});
  spec.hostname = "node1";
  const Flight flight = fly(spec);
  INFO(flight.text());
  CHECK(flight.output == "node1\n/etc/hostname 100644 0:0\nnode1\nkept");
  CHECK(image.dir().read("outside") == "kept");
}

TEST_CASE("a tree that a payload made too deep for any path can be removed", "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image;
  const Flight flight = fly(image.spec({"act", "deep"}));
  CHECK(flight.code() == 0);
  const std::string workspace = image.workspace();
  const auto removed = remove_tree(image.dir().fd(), workspace.substr(workspace.rfind('/') + 1));
  INFO((removed ? "" : removed.error().text));
  CHECK(removed);
}

TEST_CASE("a workspace that is full or on an overlay is told with the errno", "[sandbox][tree]") {
  if (rerun_in(Pod::masked_proc)) return;
  Image image;
  sandbox::Spec spec = image.spec({"look"});
  spec.workspace = "/mnt";
  const Flight full = fly(spec);
  CHECK(full.text() == "failed: prepare mounts: mkdir upper: ENOSPC (No space left on device)");
  CHECK(full.last->fault == Fault::exhausted);
  spec.workspace = "/media/overlay";
  CHECK(fly(spec).text() == "failed: overlay: mount of 1 layers: EINVAL (Invalid argument)");
}

TEST_CASE("the step that failed is named with its errno", "[sandbox][tree]") {
  if (rerun_unprivileged()) return;
  Image image;
  SECTION("no workspace") {
    sandbox::Spec spec = image.spec({"look"});
    spec.workspace += "/absent";
    CHECK(fly(spec).text() == "failed: prepare mounts: open " + spec.workspace +
                                  ": ENOENT (No such file or directory)");
  }
  SECTION("a workspace used twice") {
    const sandbox::Spec spec = image.spec({"look"});
    CHECK(fly(spec).code() == 0);
    CHECK(fly(spec).text() == "failed: prepare mounts: mkdir upper: EEXIST (File exists)");
  }
  SECTION("no layer") {
    sandbox::Spec spec = image.spec({"look"});
    spec.layers.push_back(image.dir() / "absent");
    const Flight flight = fly(spec);
    CHECK(flight.text() == "failed: overlay: stat of a layer: ENOENT (No such file or directory)");
    CHECK(flight.last->fault == Fault::not_found);
  }
  SECTION("a workspace on a filesystem that takes no upper layer") {
    sandbox::Spec spec = image.spec({"look"});
    spec.workspace = "/proc/self";
    CHECK(fly(spec).text().starts_with("failed: prepare mounts: mkdir upper: "));
  }
}
