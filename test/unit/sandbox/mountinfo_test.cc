// SPDX-License-Identifier: Apache-2.0
#include "sandbox/mountinfo.h"

#include "test/catch.h"

using podpilot::sandbox::Mount;
using podpilot::sandbox::parse_mountinfo;

TEST_CASE("mountinfo tells device, root, mountpoint and type of each mount", "[sandbox]") {
  const std::vector<Mount> mounts = parse_mountinfo(
      "22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw\n"
      "99 22 254:1 /a\\040b/c\\134 /with\\040space\\011and\\012more rw - ext4 /dev/vda rw\n"
      "cut off\n");
  CHECK(mounts ==
        std::vector<Mount>{{"0:21", "/", "/proc", "proc", "rw"},
                           {"254:1", "/a b/c\\", "/with space\tand\nmore", "ext4", "rw"}});
}

TEST_CASE("a folder holds the mounts on it and below it, not beside it", "[sandbox]") {
  const std::vector<Mount> mounts = {{"0:1", "/", "/etc/hosts"}, {"0:2", "/", "/var"}};
  CHECK(podpilot::sandbox::holds_mount(mounts, "/etc"));
  CHECK(podpilot::sandbox::holds_mount(mounts, "/var"));
  CHECK_FALSE(podpilot::sandbox::holds_mount(mounts, "/et"));
  CHECK(podpilot::sandbox::is_mountpoint(mounts, "/var"));
  CHECK_FALSE(podpilot::sandbox::is_mountpoint(mounts, "/etc"));
}

TEST_CASE("of several mounts at a place the last is seen", "[sandbox]") {
  const std::vector<Mount> mounts = {
      {"0:1", "/", "/tmp"}, {"0:2", "/", "/tmp"}, {"0:3", "/", "/x"}};
  CHECK(*podpilot::sandbox::mount_at(mounts, "/tmp") == mounts[1]);
  CHECK(podpilot::sandbox::mount_at(mounts, "/run") == nullptr);
}
