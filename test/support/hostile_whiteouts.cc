// SPDX-License-Identifier: Apache-2.0
// Whiteouts and opaque markers (OCI image-spec, layer.md#whiteouts), and what looks like them.
#include "test/support/hostile_images.h"

namespace podpilot::test {
namespace {

TarBuilder tar() {
  return {};
}

TarItem item_of(char type, const std::string& name, const std::string& target = "") {
  TarItem item;
  item.name = name;
  item.type = type;
  item.target = target;
  return item;
}

TarItem with_xattr(const std::string& name, const std::string& attribute) {
  TarItem item = item_of('5', name);
  item.mode = 0755;
  item.xattrs = {{attribute, "y"}};
  return item;
}

// Two files and a folder, below whatever is tried.
std::string lower() {
  return tar().file("etc/passwd", "in").file("f", "1").folder("d").file("d/a").bytes();
}
const std::string kLower = "d d 0755\nd/a f 0644 0\netc d 0755\netc/passwd f 0644 2\nf f 0644 1\n";

}  // namespace

std::vector<HostileImage> hostile_whiteouts(const std::string& outside) {
  const std::string climb = "../../../../../../../../../.." + outside;
  const auto nameless = [](const std::string& name, const std::string& whose) {
    return HostileImage{"the whiteout " + name,
                        "containerd TestBreakouts " + whose,
                        {lower(), tar().file(name).bytes()},
                        {"\"" + name + "\" is a whiteout without a name"}};
  };
  return {
      nameless(".wh...", "WhiteoutRootParent"),
      nameless("etc/.wh...", "WhiteoutParent"),
      nameless(".wh..", "WhiteoutRoot"),
      nameless("etc/.wh..", "WhiteoutCurrentDirectory"),
      nameless(".wh.", "Whiteout, moby TestOverlayUntarInvalidWhiteoutNames"),
      {"a whiteout that climbs",
       "moby TestOverlayUntarInvalidWhiteoutNames",
       {lower(), tar().file("../.wh.file").bytes()},
       {"\"../.wh.file\" leads out"}},
      {"a whiteout through an absolute symlink",
       "containerd TestBreakouts WhiteoutSymlinkPath",
       {tar().symlink("l", outside).bytes(), tar().whiteout("l/file").bytes()},
       {},
       "l l " + outside + "\n"},
      {"a whiteout through a symlink of its own layer that climbs",
       "containerd TestBreakouts WhiteoutSymlinkPath",
       {tar().symlink("l", climb).whiteout("l/file").whiteout("l/folder").bytes()},
       {},
       "l l " + climb + "\n"},
      {"a whiteout through a symlink, inside",
       "containerd TestBreakouts WhiteoutSymlinkPath",
       {tar().file("etc/passwd", "in").file("etc/gone").symlink("l", "/etc").bytes(),
        tar().whiteout("l/gone").bytes()},
       {},
       "etc d 0755\netc/passwd f 0644 2\nl l /etc\n"},
      {"a whiteout of a symlink",
       "containerd TestBreakouts WhiteoutSymlink",
       {tar().file("etc/passwd", "in").symlink("l", "/etc").bytes(), tar().whiteout("l").bytes()},
       {},
       "etc d 0755\netc/passwd f 0644 2\n"},
      {"a whiteout through a dead symlink",
       "containerd TestBreakouts WhiteoutDeadSymlinkParent",
       {tar().file("etc/passwd", "in").symlink("l", "/dead").bytes(),
        tar().whiteout("l/passwd").bytes()},
       {},
       "etc d 0755\netc/passwd f 0644 2\nl l /dead\n"},
      {"a whiteout through ..",
       "containerd TestBreakouts WhiteoutRelativePath",
       {lower(), tar().file("d/../.wh.f").bytes()},
       {},
       "d d 0755\nd/a f 0644 0\netc d 0755\netc/passwd f 0644 2\n"},
      {"a folder with a whiteout's name",
       "containerd TestBreakouts WhiteoutDirectoryName",
       {lower(), tar().file(".wh.etc/passwd", "x").bytes()},
       {},
       ".wh.etc d 0755\n.wh.etc/passwd f 0644 1\n" + kLower},
      {"a whiteout below a file",
       "containers/storage TestApplyLayerWhiteouts",
       {lower(), tar().file("d", "now a file").whiteout("d/a").bytes()},
       {},
       "d f 0644 10\netc d 0755\netc/passwd f 0644 2\nf f 0644 1\n"},
      {"a whiteout with content",
       "containers/storage TestApplyLayerWhiteouts",
       {lower(), tar().file(".wh.f", std::string(2000, 'x')).file("next").bytes()},
       {},
       "d d 0755\nd/a f 0644 0\netc d 0755\netc/passwd f 0644 2\nnext f 0644 0\n"},
      {"a symlink, a folder and a device with whiteouts' names",
       "moby TestOverlayUntarInvalidWhiteoutNames",
       {lower(),
        tar().symlink(".wh.f", outside).folder(".wh.etc").add(item_of('3', "d/.wh.a")).bytes()},
       {},
       "d d 0755\n"},
      {"a hard link with a whiteout's name",
       "moby TestOverlayUntarInvalidWhiteoutNames",
       {lower(), tar().hard_link(".wh.f", outside + "/file").bytes()},
       {},
       "d d 0755\nd/a f 0644 0\netc d 0755\netc/passwd f 0644 2\n"},
      {"a whiteout of a whiteout",
       "containers/storage: overlay in overlay",
       {lower(), tar().file(".wh..wh.f").file(".wh..wh.plnk").file(".wh..wh..wh..opq").bytes()},
       {},
       kLower},
      {"a whiteout after the same layer's file",
       "image-spec layer.md: whiteouts hide lower layers only",
       {lower(), tar().file("f", "new").whiteout("f").bytes()},
       {},
       "d d 0755\nd/a f 0644 0\netc d 0755\netc/passwd f 0644 2\nf f 0644 3\n"},
      {"an opaque folder after its content",
       "image-spec layer.md: order does not matter",
       {lower(), tar().file("d/b").opaque("d").bytes()},
       {},
       "d d 0755\nd/b f 0644 0\netc d 0755\netc/passwd f 0644 2\nf f 0644 1\n"},
      {"an opaque root",
       "containerd WhiteoutParentRemoval",
       {lower(), tar().file("new").opaque("").bytes()},
       {},
       "new f 0644 0\n"},
      {"an opaque folder through a symlink that leads out",
       "containerd TestBreakouts WhiteoutSymlinkPath",
       {tar().symlink("l", outside + "/folder").opaque("l").bytes()},
       {},
       "l l " + outside + "/folder\n"},
      {"an opaque file",
       "containers/storage TestApplyLayerWhiteouts",
       {lower(), tar().file("etc", "now a file").opaque("etc").bytes()},
       {},
       "d d 0755\nd/a f 0644 0\netc f 0644 10\nf f 0644 1\n"},
      {"overlayfs' own whiteout, a device 0:0",
       "containers/storage: overlay in overlay",
       {lower(), tar().add(item_of('3', "f")).add(item_of('3', "d/zero")).bytes()},
       {},
       "d d 0755\nd/a f 0644 0\netc d 0755\netc/passwd f 0644 2\n"},
      {"a device in the place of what its layer hides",
       "containers/storage: overlay in overlay",
       {lower(), tar().whiteout("f").add(item_of('3', "f")).bytes()},
       {},
       "d d 0755\nd/a f 0644 0\netc d 0755\netc/passwd f 0644 2\n"},
      {"a whiteout of a device of its own layer",
       "containers/storage: overlay in overlay",
       {lower(), tar().add(item_of('3', "f")).whiteout("f").bytes()},
       {},
       "d d 0755\nd/a f 0644 0\netc d 0755\netc/passwd f 0644 2\n"},
      {"overlayfs' own opaque folder",
       "CVE-2021-3493's kind: overlayfs obeys attributes",
       {lower(), tar()
                     .add(with_xattr("d/", "user.overlay.opaque"))
                     .add(with_xattr("etc/", "trusted.overlay.opaque"))
                     .bytes()},
       {},
       kLower},
      {"overlayfs' own redirect",
       "CVE-2021-3493's kind: overlayfs obeys attributes",
       {lower(), tar()
                     .add(with_xattr("new/", "user.overlay.redirect"))
                     .add(with_xattr("d/", "user.overlay.metacopy"))
                     .bytes()},
       {},
       kLower + "new d 0755\n"},
  };
}

}  // namespace podpilot::test
