// SPDX-License-Identifier: Apache-2.0
// Names of entries, and symlinks on the way to them.
#include <fmt/format.h>

#include "test/support/hostile_images.h"

namespace podpilot::test {
namespace {

TarBuilder tar() {
  return {};
}

TarItem pax_path(const std::string& path) {
  TarItem item;
  item.name = "short";
  item.content = "x";
  item.pax = {{"path", path}};
  return item;
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

std::string implied_folders(std::string_view path) {
  std::string lines;
  for (std::size_t slash = 0; slash != std::string_view::npos;) {
    slash = path.find('/', slash + 1);
    lines += fmt::format("{} d 0755\n", path.substr(0, slash));
  }
  return lines;
}

std::vector<HostileImage> hostile_paths(const std::string& outside) {
  const std::string inside = outside.substr(1);  // the same path below the image's root
  const std::string climb = repeated("../", 40) + inside;
  const std::string there = implied_folders(inside);
  const auto sorted = [](const std::string& first, const std::string& second) {
    return first < second ? first + second : second + first;
  };
  return {
      {"a name that climbs", "CVE-2014-9356", {tar().file("../x").bytes()}, {"\"../x\" leads out"}},
      {"a name that climbs after a folder",
       "CVE-2014-9358, CVE-2026-20613",
       {tar().folder("a").file("a/../../x").bytes()},
       {"\"a/../../x\" leads out"}},
      {"a name that climbs to a place that is there",
       "CVE-2026-28406, CVE-2026-101295",
       {tar().file(climb + "/file", "changed").bytes()},
       {"leads out"}},
      {"an absolute name",
       "CVE-2007-4559 (Python)",
       {tar().file(outside + "/file", "changed").bytes()},
       {},
       there + inside + "/file f 0644 7\n"},
      {"many leading slashes",
       "CVE-2021-32804 (node-tar)",
       {tar().file("///" + outside + "//file", "changed").bytes()},
       {},
       there + inside + "/file f 0644 7\n"},
      {"a file through an absolute symlink",
       "CVE-2014-6407; containerd TestBreakouts SymlinkAbsolute",
       {tar().symlink("L", outside).file("L/file", "changed").bytes()},
       {},
       "L l " + outside + "\n" + there + inside + "/file f 0644 7\n"},
      {"a file through a symlink that climbs",
       "CVE-2014-6407; containerd TestBreakouts SymlinkUpAndOut",
       {tar().symlink("L", climb).file("L/file", "changed").bytes()},
       {},
       "L l " + climb + "\n" + there + inside + "/file f 0644 7\n"},
      {"a file through a chain of symlinks",
       "containerd TestBreakouts SymlinkMultipleAbsolute, SymlinkMultipleRelative",
       {tar()
            .symlink("D", outside)
            .symlink("E", "./D")
            .symlink("F", "E/folder")
            .file("F/inner", "changed")
            .bytes()},
       {},
       "D l " + outside + "\nE l ./D\nF l E/folder\n" + there + inside + "/folder d 0755\n" +
           inside + "/folder/inner f 0644 7\n"},
      {"a file through a symlink of a lower layer",
       "CVE-2026-17106 (go-archive)",
       {tar().symlink("L", outside).bytes(), tar().file("L/file", "changed").bytes()},
       {},
       "L l " + outside + "\n" + there + inside + "/file f 0644 7\n"},
      {"a file through a symlink of a lower layer that climbs",
       "CVE-2026-17106 (go-archive)",
       {tar().symlink("L", climb).bytes(), tar().file("L/folder/inner", "changed").bytes()},
       {},
       "L l " + climb + "\n" + there + inside + "/folder d 0755\n" + inside +
           "/folder/inner f 0644 7\n"},
      {"a file in the place of a symlink",
       "CVE-2021-37701 (node-tar); containerd TestBreakouts SymlinkEmptyFile",
       {tar().symlink("s", outside + "/file").file("s", "changed").bytes()},
       {},
       "s f 0644 7\n"},
      {"a file in the place of a lower layer's symlink",
       "CVE-2014-6407",
       {tar().symlink("s", outside + "/file").bytes(), tar().file("s", "changed").bytes()},
       {},
       "s f 0644 7\n"},
      {"a folder that becomes a symlink between two of its files",
       "CVE-2021-32803 (node-tar)",
       {tar().folder("d").file("d/a").symlink("d", outside).file("d/file", "changed").bytes()},
       {},
       sorted("d l " + outside + "\n", there + inside + "/file f 0644 7\n")},
      {"a folder that becomes a symlink before its mode and time are set",
       "CVE-2021-31566 (libarchive)",
       {tar().folder("d", 0700).file("d/a").symlink("d", outside).bytes()},
       {},
       "d l " + outside + "\n"},
      {"a folder in the place of a symlink",
       "containerd TestBreakouts DirectoryOverrideSymlink",
       {tar().symlink("d", outside).bytes(), tar().folder("d", 0700).file("d/file").bytes()},
       {},
       "d d 0700\nd/file f 0644 0\n"},
      {"a symlink in the place of a folder",
       "containerd TestBreakouts SymlinkOverrideDirectory",
       {tar().folder("d").file("d/old").bytes(),
        tar().symlink("d", outside).file("d/file", "changed").bytes()},
       {},
       sorted("d l " + outside + "\n", there + inside + "/file f 0644 7\n")},
      {"a file below a file",
       "containers/storage TestUntarInvalidFilenames",
       {tar().file("f", "1").file("f/x").bytes()},
       {"f/x: f is not a folder"}},
      {"symlinks in a circle",
       "CVE-2018-20482's kind: no end",
       {tar().symlink("a", "b").symlink("b", "a").file("a/x").bytes()},
       {"a/x: a: too many symlinks"}},
      {"symlinks that double the way with each step",
       "billion laughs (CWE-776), with links",
       {[] {
         TarBuilder bomb;
         bomb.folder("z");
         for (int i = 0; i < 40; ++i)
           bomb.symlink(fmt::format("{}", i),
                        repeated(fmt::format("{}/../", i + 1), 20) + fmt::format("{}", i + 1));
         return bomb.symlink("40", "z").file("0/x").bytes();
       }()},
       {"0/x: 0: too many symlinks"}},
      {"the root is a symlink",
       "CVE-2021-29136 (umoci)",
       {tar().symlink("./", outside).bytes()},
       {"./: the image's root is not a folder"}},
      {"the root is a file",
       "CVE-2021-29136 (umoci)",
       {tar().file(".", "x").bytes()},
       {".: the image's root is not a folder"}},
      {"the root is a hard link",
       "CVE-2021-29136 (umoci)",
       {tar().hard_link(".", outside + "/file").bytes()},
       {".: the image's root is not a folder"}},
      {"a symlink named ..",
       "containerd TestBreakouts SymlinkParentDirectory",
       {tar().symlink("..", outside).bytes()},
       {"\"..\" leads out"}},
      {"a symlink without a name",
       "containerd TestBreakouts SymlinkEmptyFilename",
       {tar().symlink("", outside).bytes()},
       {"the image's root is not a folder"}},
      {"a symlink whose name ends in ..",
       "containerd TestBreakouts SymlinkParentRelative",
       {tar().folder("etc").symlink("d/sub/..", "/etc").file("d/f", "x").bytes()},
       {},
       "d l /etc\netc d 0755\netc/f f 0644 1\n"},
      {"names that differ in case",
       "CVE-2021-37712 (node-tar), CVE-2014-9390 (git)",
       {tar().folder("Dir").symlink("dir", outside).file("Dir/file", "mine").bytes()},
       {},
       "Dir d 0755\nDir/file f 0644 4\ndir l " + outside + "\n"},
      {"names that differ in Unicode's normal form",
       "CVE-2021-37712 (node-tar)",
       {tar()
            .folder("caf\xc3\xa9")
            .symlink("cafe\xcc\x81", outside)
            .file("caf\xc3\xa9/file", "mine")
            .bytes()},
       {},
       "cafe\xcc\x81 l " + outside + "\ncaf\xc3\xa9 d 0755\ncaf\xc3\xa9/file f 0644 4\n"},
      {"a name with a NUL byte",
       "tar-split testdata pax-nul-path.tar",
       {tar().add(pax_path(std::string("good\0/../../x", 13))).bytes()},
       {},
       "good f 0644 1\n"},
      {"names for a terminal and for Windows",
       "CVE-2003-0063 (xterm), CVE-2018-20250",
       {tar().file("\x1b[2J").file("..\\..\\x").file("C:\\x").file("a\nb").bytes()},
       {},
       "\x1b[2J f 0644 0\n..\\..\\x f 0644 0\nC:\\x f 0644 0\na\nb f 0644 0\n"},
      {"a terminal's codes in the name of a bad entry",
       "CVE-2003-0063 (xterm)",
       {tar().file("../\x1b[2J").bytes()},
       {"\"../\\x1b[2J\" leads out"}},
      {"a name of 255 bytes",
       "NAME_MAX",
       {tar().file(std::string(255, 'n')).bytes()},
       {},
       std::string(255, 'n') + " f 0644 0\n"},
      {"a name of 256 bytes",
       "NAME_MAX",
       {tar().file(std::string(256, 'n')).bytes()},
       {"nnnnnn", "more than 255 bytes"}},
      {"a path of more than 4096 bytes",
       "PATH_MAX; containers/storage TestUntarUstarGnuConflict",
       {tar().file(repeated(std::string(200, 'd') + "/", 30) + "f").symlink("l", "f").bytes()},
       {},
       [] {
         std::string lines, path;
         for (int i = 0; i < 30; ++i) {
           path += std::string(200, 'd');
           lines += path + " d 0755\n";
           path += '/';
         }
         return lines + path + "f f 0644 0\nl l f\n";
       }()},
      {"a path of 16 KiB",
       "PATH_MAX",
       {tar().file(repeated("d/", 8200) + "f").bytes()},
       {"d/d/d/d", "a name of more than 16384 bytes"}},
      {"600 folders within each other",
       "CVE-2023-25153's kind: depth without end",
       {tar().file(repeated("d/", 600) + "f").bytes()},
       {"\"d/d/d", "512 folders deep"}},
      {"a path of a million components",
       "CVE-2022-2879 (Go): headers without end",
       {tar().file("first").file(repeated("./", 1'000'000) + "f").bytes()},
       {"after first", "Special header too large"}},
  };
}

}  // namespace podpilot::test
