// SPDX-License-Identifier: Apache-2.0
// Hard links.
#include "test/support/hostile_images.h"

namespace podpilot::test {
namespace {

TarBuilder tar() {
  return {};
}

TarItem link(const std::string& name, const std::string& target) {
  TarItem item;
  item.name = name;
  item.type = '1';
  item.target = target;
  return item;
}

// A hard link whose mode and time are not its target's.
TarItem marked_link(const std::string& name, const std::string& target) {
  TarItem item = link(name, target);
  item.mode = 0777;
  item.mtime = 1;
  return item;
}

TarItem special(const std::string& name, char type) {
  TarItem item;
  item.name = name;
  item.type = type;
  return item;
}

TarItem plain_link_with_content(const std::string& name, const std::string& target) {
  TarItem item = link(name, target);
  item.content = "changed";
  return item;
}

// As pax and cpio write them: every link with the file's content.
TarItem link_with_content(const std::string& name, const std::string& target) {
  TarItem item = plain_link_with_content(name, target);
  item.pax = {{"size", "7"}};
  return item;
}

}  // namespace

std::vector<HostileImage> hostile_links(const std::string& outside) {
  std::string climb = "../../../../../../../../../..";
  climb += outside;
  const std::string file = outside + "/file";
  return {
      {"a target that climbs",
       "CVE-2014-6407; containerd TestBreakouts HardlinkDirectRelative",
       {tar().hard_link("x", "../../etc/passwd").bytes()},
       {"x: \"../../etc/passwd\" leads out"}},
      {"an absolute target outside",
       "CVE-2014-6407; containerd TestBreakouts HardlinkDirectAbsolute",
       {tar().hard_link("x", file).bytes()},
       {"x", "hard link"}},
      {"an absolute target inside",
       "go-archive issue 99: kaniko writes these",
       {tar().file("etc/passwd", "in").hard_link("x", "/etc/passwd").bytes()},
       {},
       "etc d 0755\netc/passwd f 0644 2\nx f 0644 2\n"},
      {"a target through an absolute symlink",
       "CVE-2016-6321 (GNU tar); containerd TestBreakouts HardlinkAbsolute",
       {tar().symlink("l", outside).hard_link("x", "l/file").bytes()},
       {"x", "hard link"}},
      {"a target through a symlink that climbs",
       "containerd TestBreakouts HardlinkRelativeUpAndOut",
       {tar().symlink("l", climb).hard_link("x", "l/file").bytes()},
       {"x", "hard link"}},
      {"a target through a symlink, inside",
       "containerd TestBreakouts HardlinkDownAndOut, HardlinkRelativeLong",
       {tar()
            .file("etc/passwd", "in")
            .folder("b")
            .symlink("b/l", "../b/../../../etc")
            .hard_link("b/x", "b/l/passwd")
            .bytes()},
       {},
       "b d 0755\nb/l l ../b/../../../etc\nb/x f 0644 2\netc d 0755\netc/passwd f 0644 2\n"},
      {"a target through a symlink of a lower layer",
       "CVE-2026-17106 (go-archive), CVE-2025-45582 (GNU tar)",
       {tar().symlink("l", outside).bytes(), tar().hard_link("x", "l/file").bytes()},
       {"x", "hard link"}},
      {"to a symlink that leads out, with a mode and a time",
       "CVE-2021-32760; containerd TestBreakouts HardlinkSymlinkChmod",
       {tar().symlink("s", file).add(marked_link("x", "s")).bytes()},
       {},
       "s l " + file + "\nx l " + file + "\n"},
      {"to a lower layer's symlink, with a mode and a time",
       "CVE-2021-32760",
       {tar().symlink("s", file).bytes(), tar().add(marked_link("x", "s")).bytes()},
       {},
       "s l " + file + "\nx l " + file + "\n"},
      {"to a symlink before its target is there",
       "containerd TestBreakouts HardlinkSymlinkBeforeCreateTarget",
       {tar().symlink("s", "/etc/p").hard_link("x", "s").file("etc/p", "after").bytes()},
       {},
       "etc d 0755\netc/p f 0644 5\ns l /etc/p\nx l /etc/p\n"},
      {"a file in the place of a hard link to a symlink",
       "CVE-2016-5418 (libarchive)",
       {tar().symlink("s", file).hard_link("x", "s").file("x", "changed").bytes()},
       {},
       "s l " + file + "\nx f 0644 7\n"},
      {"to a symlink, with content of its own",
       "CVE-2016-5418 (libarchive issue 746)",
       {tar().symlink("s", file).add(link_with_content("x", "s")).file("after").bytes()},
       {},
       "after f 0644 0\ns l " + file + "\nx l " + file + "\n"},
      {"to a file of this layer, with content of its own",
       "CVE-2016-5418 (libarchive issue 746)",
       {tar().file("f", "in").add(link_with_content("x", "f")).file("after").bytes()},
       {},
       "after f 0644 0\nf f 0644 2\nx f 0644 2\n"},
      {"with content that the format does not know",
       "CVE-2016-5418 (libarchive issue 746)",
       {tar().file("f", "in").add(plain_link_with_content("x", "f")).file("after").bytes()},
       {"after x", "Damaged tar archive"}},
      {"to nothing",
       "containerd TestBreakouts",
       {tar().hard_link("x", "nothing").bytes()},
       {"x", "hard link"}},
      {"to a file that comes later",
       "containerd TestBreakouts",
       {tar().hard_link("x", "later").file("later").bytes()},
       {"x", "hard link"}},
      {"to itself",
       "CVE-2018-20482's kind: no end",
       {tar().hard_link("x", "x").bytes()},
       {"x", "hard link"}},
      {"in a circle",
       "CVE-2018-20482's kind: no end",
       {tar().hard_link("x", "y").hard_link("y", "x").bytes()},
       {"x", "hard link"}},
      {"to its own, existing name",
       "containers/storage TestUntarInvalidHardlink",
       {tar().file("x", "in").hard_link("x", "./x").bytes()},
       {},
       "x f 0644 2\n"},
      {"to a folder",
       "containers/storage TestUntarInvalidHardlink",
       {tar().folder("d").hard_link("x", "d").bytes()},
       {"x: hard link to the folder d"}},
      {"to a lower layer's folder",
       "containers/storage TestUntarInvalidHardlink",
       {tar().folder("d").bytes(), tar().hard_link("x", "d").bytes()},
       {"x", "folder"}},
      {"to the root",
       "containers/storage TestUntarInvalidHardlink",
       {tar().hard_link("x", "./").bytes()},
       {"x: hard link to the image's root"}},
      {"that replaces its target's folder",
       "containers/storage TestUntarInvalidHardlink",
       {tar().file("d/f", "1").hard_link("d", "d/f").bytes()},
       {"d: hard link to d/f, which it replaces"}},
      {"to what this layer hides",
       "containers/storage TestApplyLayerWhiteouts",
       {tar().file("f", "in").bytes(), tar().whiteout("f").hard_link("x", "f").bytes()},
       {"x", "hard link"}},
      {"to what the layer in between hid",
       "containers/storage TestApplyLayerWhiteouts",
       {tar().file("f", "in").bytes(), tar().whiteout("f").bytes(),
        tar().hard_link("x", "f").bytes()},
       {"x", "hard link"}},
      {"in the place of what this layer hides",
       "containers/storage TestApplyLayerWhiteouts",
       {tar().file("f", "in").file("g", "old").bytes(),
        tar().whiteout("g").hard_link("g", "f").bytes()},
       {},
       "f f 0644 2\ng f 0644 2\n"},
      {"to a device",
       "containers/storage TestUntarInvalidHardlink",
       {tar().add(special("null", '3')).hard_link("x", "null").bytes()},
       {"x: hard link to null, which is missing"}},
      {"to a fifo",
       "containerd IgnoreSockets",
       {tar().add(special("p", '6')).hard_link("x", "p").bytes()},
       {},
       "p p 0644\nx p 0644\n"},
      {"between layers, over a file that a folder replaced",
       "containerd HardlinkParentInclusion",
       {tar().file("a", "in").bytes(), tar().folder("a").hard_link("a/b", "a").bytes()},
       {"a/b", "folder"}},
  };
}

}  // namespace podpilot::test
