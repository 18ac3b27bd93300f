// SPDX-License-Identifier: Apache-2.0
// Modes, owners, times, attributes, types: what an entry has beside name and content, and several
// entries of one name.
#include <fmt/format.h>

#include "test/support/hostile_images.h"

namespace podpilot::test {
namespace {

TarBuilder tar() {
  return {};
}

TarItem item_of(char type, const std::string& name) {
  TarItem item;
  item.name = name;
  item.type = type;
  return item;
}

TarItem with_pax(const std::string& name, const std::map<std::string, std::string>& pax,
                 char type = '0') {
  TarItem item = item_of(type, name);
  item.pax = pax;
  return item;
}

TarItem many_xattrs(int count) {
  TarItem item = item_of('0', "f");
  for (int i = 0; i < count; ++i) item.xattrs[fmt::format("user.{}", i)] = "v";
  return item;
}

TarItem symlink_with(const std::string& target, const std::map<std::string, std::string>& pax) {
  TarItem item = with_pax("l", pax, '2');
  item.target = target;
  return item;
}

}  // namespace

std::vector<HostileImage> hostile_metadata(const std::string& outside) {
  const std::string file = outside + "/file";
  TarItem su = item_of('0', "su");
  su.mode = 06755;
  su.xattrs = {{"security.capability", std::string("\1\0\0\2\xff\xff\xff\xff\0\0\0\0", 12)}};
  TarItem shut = item_of('5', "shut/");
  shut.mode = 0;
  TarItem mode = item_of('0', "f");
  mode.raw = {{100, std::string("7777777\0", 8)}};
  return {
      {"devices",
       "CVE-2014-6408's kind: a node of the pod's disk",
       {tar().add(item_of('4', "sda")).add(item_of('3', "mem")).file("next").bytes()},
       {},
       "next f 0644 0\n"},
      {"a device in the place of a file",
       "containerd IgnoreSockets",
       {tar().file("f", "1").bytes(), tar().add(item_of('3', "f")).bytes()},
       {},
       ""},
      {"a file through a device",
       "containers/storage TestUntarInvalidFilenames",
       {tar().add(item_of('3', "dev")).file("dev/x").bytes()},
       {"dev/x: dev is not a folder"}},
      {"a fifo that is then a file",
       "CVE-2021-32803's kind; open(2) of a fifo waits",
       {tar().add(item_of('6', "p")).file("p", "x").bytes()},
       {},
       "p f 0644 1\n"},
      {"a file in the place of a lower layer's fifo",
       "open(2) of a fifo waits",
       {tar().add(item_of('6', "p")).bytes(), tar().file("p", "x").bytes()},
       {},
       "p f 0644 1\n"},
      {"set-id bits and capabilities",
       "CVE-2023-0386, CVE-2021-3493",
       {tar().add(su).bytes()},
       {},
       "su f 0755 0\n"},
      {"bits above the mode's",
       "tar-split testdata issue10968.tar",
       {tar().add(mode).bytes()},
       {},
       "f f 1777 0\n"},
      {"a folder without permissions, and files in it",
       "CVE-2021-31566's kind: modes are given at the end",
       {tar().add(shut).file("shut/in", "x", 0).folder("shut/d", 0).file("shut/d/f").bytes()},
       {},
       "shut d 0000\nshut/d d 0000\nshut/d/f f 0644 0\nshut/in f 0000 1\n"},
      {"an ACL for a symlink",
       "CVE-2021-23177 (libarchive)",
       {tar()
            .add(symlink_with(file, {{"SCHILY.acl.access", "user::rwx,group::rwx,other::rwx"},
                                     {"SCHILY.fflags", "schg"}}))
            .bytes()},
       {},
       "l l " + file + "\n"},
      {"attributes for a symlink",
       "CVE-2021-23177 (libarchive)",
       {tar().add(symlink_with(file, {{"SCHILY.xattr.user.mine", "changed"}})).bytes()},
       {},
       "l l " + file + "\n"},
      {"attributes in libarchive's own words",
       "CVE-2021-3493's kind: two spellings of one name",
       {tar().folder("d").file("d/a").bytes(),
        tar()
            .add(with_pax("d/", {{"LIBARCHIVE.xattr.user%2eoverlay%2eopaque", "eQ=="}}, '5'))
            .bytes()},
       {},
       "d d 0644\nd/a f 0644 0\n"},
      {"64 attributes",
       "CVE-2017-14992's kind: metadata without end",
       {tar().add(many_xattrs(64)).bytes()},
       {},
       "f f 0644 0\n"},
      {"65 attributes",
       "CVE-2017-14992's kind: metadata without end",
       {tar().add(many_xattrs(65)).bytes()},
       {"f: 65 extended attributes, more than 64"}},
      {"an attribute of more than 64 KiB",
       "XATTR_SIZE_MAX",
       {tar().add(with_pax("f", {{"SCHILY.xattr.user.a", std::string(65537, 'x')}})).bytes()},
       {"f: an extended attribute of more than 65536 bytes"}},
      {"an attribute's name of more than 255 bytes",
       "XATTR_NAME_MAX",
       {tar().add(with_pax("f", {{"SCHILY.xattr.user." + std::string(300, 'n'), "v"}})).bytes()},
       {"f: the cache's filesystem has no room for attribute user.nnn"}},
      {"attributes of 2 MiB",
       "CVE-2022-2879 (Go): headers without end",
       {[] {
         TarItem item = item_of('0', "f");
         for (int i = 0; i < 32; ++i)
           item.xattrs[fmt::format("user.{}", i)] = std::string(65536, 'x');
         return tar().file("first").add(item).bytes();
       }()},
       {"after first", "Special header too large"}},
      {"an attribute's name with a NUL byte",
       "tar-split testdata pax-nul-xattrs.tar",
       {tar()
            .file("first")
            .add(with_pax("f", {{std::string("SCHILY.xattr.user.a\0b", 21), "v"}}))
            .bytes()},
       {"after first", "Invalid pax extended attributes"}},
      {"an attribute's value with a NUL byte",
       "tar-split testdata pax-nul-xattrs.tar",
       {tar().add(with_pax("f", {{"SCHILY.xattr.user.c", std::string("v\0w", 3)}})).bytes()},
       {},
       "f f 0644 0\n"},
      {"owners above 32 bits",
       "CVE-2024-40635's kind",
       {tar().add(with_pax("f", {{"uid", "4294967296"}, {"gid", "18446744073709551615"}})).bytes()},
       {},
       "f f 0644 0\n"},
      {"negative and endless times",
       "tar-split testdata pax-bad-mtime-file.tar",
       {tar()
            .add(with_pax("a", {{"mtime", "-9223372036854775808.999999999"}}))
            .add(with_pax("b", {{"mtime", "99999999999999999999.5"}}))
            .add(with_pax("c", {{"mtime", "1.99999999999999999999"}}))
            .add(with_pax("d", {{"mtime", "nan"}, {"atime", ""}, {"ctime", "-"}}))
            .bytes()},
       {},
       "a f 0644 0\nb f 0644 0\nc f 0644 0\nd f 0644 0\n"},
      {"one name as everything in turn",
       "CVE-2021-32803, CVE-2021-37701 (node-tar)",
       {tar()
            .file("x", "1")
            .folder("x")
            .file("x/in")
            .symlink("x", outside)
            .hard_link("x", "x")
            .add(item_of('6', "x"))
            .whiteout("x")
            .add(item_of('3', "x"))
            .folder("x", 0711)
            .bytes()},
       {},
       "x d 0711\n"},
      {"a folder in the place of a file, over a lower layer's folder",
       "containerd DirectoryCreation",
       {tar().folder("x").file("x/low").bytes(),
        tar().file("x", "1").folder("x").file("x/top").bytes()},
       {},
       "x d 0755\nx/top f 0644 0\n"},
      {"a file in the place of a lower layer's folder, and back",
       "containerd/continuity fstest",
       {tar().folder("x").file("x/low").bytes(), tar().file("x", "1").bytes(),
        tar().folder("x").file("x/top").bytes()},
       {},
       "x d 0755\nx/top f 0644 0\n"},
      {"ten thousand entries of one name",
       "CVE-2017-14992's kind: entries without end",
       {[] {
         TarBuilder many;
         for (int i = 0; i < 10'000; ++i) many.file("x", i % 2 ? "" : "1");
         return many.bytes();
       }()},
       {},
       "x f 0644 0\n"},
  };
}

}  // namespace podpilot::test
