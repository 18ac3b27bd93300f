// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "oci/store/stored_layer.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "test/catch.h"
#include "test/support/layer_fixture.h"
#include "test/support/tar_builder.h"
#include "test/support/temp_dir.h"
#include "test/support/tree_listing.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::test;

namespace {

// Unpacks and lists what is on disk; the error's text where it fails.
std::string unpacked(const TarBuilder& tar) {
  const TempDir dir;
  const Result<void> result = unpack(tar.bytes(), dir.fd());
  if (!result) return result.error().text;
  const auto damage = oci::find_damage(dir.fd(), 10);
  if (!damage) return "verify: " + damage.error().text;
  if (!damage->empty()) return "damaged: " + damage->front();
  const UniqueFd fs = *open_beneath(dir.fd(), "fs", O_RDONLY | O_DIRECTORY);
  return list_tree(fs);
}

std::string refusal(const TarBuilder& tar) {
  const TempDir dir;
  const Result<void> result = unpack(tar.bytes(), dir.fd());
  return result ? "" : result.error().text;
}

std::string index_of(const TarBuilder& tar) {
  const TempDir dir;
  const Result<void> result = unpack(tar.bytes(), dir.fd());
  return result ? brief_index(dir.fd()) : result.error().text;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("folders, files, links and their modes are unpacked", "[oci][layer]") {
  TarBuilder tar;
  tar.folder("usr").folder("usr/bin", 01777).file("usr/bin/a", "hello", 0755);
  tar.symlink("bin", "usr/bin").hard_link("usr/bin/b", "usr/bin/a").file("usr/closed", "x", 0);
  CHECK(unpacked(tar) ==
        "bin l usr/bin\n"
        "usr d 0755\n"
        "usr/bin d 1777\n"
        "usr/bin/a f 0755 5\n"
        "usr/bin/b f 0755 5\n"
        "usr/closed f 0000 1\n");
}

TEST_CASE("an empty layer is one", "[oci][layer]") {
  CHECK(unpacked(TarBuilder()) == "");
}

TEST_CASE("set-id bits are in the index and not on disk", "[oci][layer]") {
  TarBuilder tar;
  tar.folder("d", 02755).file("d/su", "x", 04755).file("d/sg", "x", 02755);
  CHECK(unpacked(tar) == "d d 0755\nd/sg f 0755 1\nd/su f 0755 1\n");
  CHECK(index_of(tar) == "D 0755i .\nD 2755 d\nF 4755 d/su\nF 2755 d/sg\n");
}

TEST_CASE("entries may come before their folder's, and folders may be implied", "[oci][layer]") {
  TarBuilder tar;
  tar.file("a/b/c", "1").folder("a", 0700);
  CHECK(unpacked(tar) == "a d 0700\na/b d 0755\na/b/c f 0644 1\n");
  CHECK(index_of(tar) == "D 0755i .\nD 0755i a/b\nF 0644 a/b/c\nD 0700 a\n");
}

TEST_CASE("folders without owner permissions stay open to us", "[oci][layer]") {
  if (rerun_unprivileged()) return;
  TarBuilder tar;
  tar.folder("shut", 0).folder("shut/in", 0555).file("shut/in/f", "x", 0400).file("shut/g", "");
  const TempDir dir;
  REQUIRE(unpack(tar.bytes(), dir.fd()));
  const UniqueFd fs = *open_beneath(dir.fd(), "fs", O_RDONLY | O_DIRECTORY);
  struct stat st{};
  REQUIRE(::fstatat(fs.get(), "shut", &st, 0) == 0);
  CHECK((st.st_mode & 07777) == 0500);
  REQUIRE(::fstatat(fs.get(), "shut/in", &st, 0) == 0);
  CHECK((st.st_mode & 07777) == 0555);
  CHECK(oci::find_damage(dir.fd(), 10)->empty());
  CHECK(remove_tree(dir.fd(), "fs"));
}

TEST_CASE("names are bytes", "[oci][layer]") {
  ::setenv("LC_ALL", "C", 1);
  const std::string utf8 =
      "gr\xc3\xbc\xc3\x9f"
      "e";
  TarItem pax;
  pax.name = "short";
  pax.type = '2';
  pax.pax = {{"path", utf8}, {"linkpath", "\xe6\x97\xa5"}};
  TarBuilder tar;
  tar.add(pax).file("after", "1").file("new\nline \\ \x01", "2").file("latin\xff", "3");
  tar.file(".wh.etc/file", "4").file(std::string(255, 'n'), "5");
  CHECK(unpacked(tar) == ".wh.etc d 0755\n.wh.etc/file f 0644 1\nafter f 0644 1\n" + utf8 +
                             " l \xe6\x97\xa5\nlatin\xff f 0644 1\nnew\nline \\ \x01 f 0644 1\n" +
                             std::string(255, 'n') + " f 0644 1\n");
}

TEST_CASE("a link target that only the pax header has is not lost", "[oci][layer]") {
  const auto type = GENERATE('1', '2');
  TarItem link;
  link.name = "l";
  link.type = type;
  link.pax = {{"linkpath", "\xe6\x97\xa5"}};
  CHECK(index_of(TarBuilder().add(link)) == (type == '1'
                                                 ? "D 0755i .\nL 0644 l -> \xe6\x97\xa5\n"
                                                 : "D 0755i .\nS 0644 l -> \xe6\x97\xa5\n"));
}

TEST_CASE("long paths", "[oci][layer]") {
  std::string path = std::string(200, 'a');
  for (int i = 0; i < 40; ++i) path += "/" + std::string(150, static_cast<char>('b' + i % 20));
  TarBuilder tar;
  tar.file(path + "/f", "x").symlink(path + "/l", std::string(300, 't'));
  const TempDir dir;
  REQUIRE(unpack(tar.bytes(), dir.fd()));
  CHECK(oci::find_damage(dir.fd(), 10)->empty());
  CHECK(contains(refusal(TarBuilder().file(std::string(256, 'n'))), "255 bytes"));
  std::string deep = "d";
  for (int i = 0; i < 600; ++i) deep += "/d";
  CHECK(contains(refusal(TarBuilder().file(deep)), "deep"));
  CHECK(contains(refusal(TarBuilder().file(std::string(20'000, 'x'))), "name of more than"));
}

TEST_CASE("nothing gets out of the layer", "[oci][layer][hostile]") {
  CHECK(contains(refusal(TarBuilder().file("../x")), "out of the image"));
  CHECK(contains(refusal(TarBuilder().file("a/../../x")), "out of the image"));
  CHECK(contains(refusal(TarBuilder().hard_link("x", "../../etc/passwd")), "out of the image"));
  CHECK(unpacked(TarBuilder().file("/abs/x", "1")) == "abs d 0755\nabs/x f 0644 1\n");
  CHECK(unpacked(TarBuilder().file("a/../b", "1")) == "b f 0644 1\n");
  // Through symlinks: absolute, upwards, in a chain.
  CHECK(unpacked(TarBuilder().symlink("l", "/").file("l/tmp/x", "1")) ==
        "l l /\ntmp d 0755\ntmp/x f 0644 1\n");
  CHECK(unpacked(TarBuilder().symlink("l", "../../../tmp").file("l/x", "1")) ==
        "l l ../../../tmp\ntmp d 0755\ntmp/x f 0644 1\n");
  CHECK(unpacked(TarBuilder().symlink("a", "b").symlink("b", "/etc").file("a/x", "1")) ==
        "a l b\nb l /etc\netc d 0755\netc/x f 0644 1\n");
  CHECK(contains(refusal(TarBuilder().symlink("a", "b").symlink("b", "a").file("a/x")),
                 "too many symlinks"));
  CHECK(contains(refusal(TarBuilder().file("f", "1").file("f/x")), "not a folder"));
}

TEST_CASE("hard links stay inside and never follow their target", "[oci][layer][hostile]") {
  TarBuilder outside;
  outside.symlink("l", "/etc").hard_link("x", "l/passwd");
  CHECK(index_of(outside) == "D 0755i .\nS 0777 l -> /etc\nL 0644 x -> l/passwd\n");
  // The link is the symlink's, and its mode and time are not set through it.
  TarBuilder to_symlink;
  TarItem link;
  link.name = "hard";
  link.type = '1';
  link.target = "soft";
  link.mode = 0777;
  to_symlink.symlink("soft", "/etc/passwd").add(link);
  CHECK(unpacked(to_symlink) == "hard l /etc/passwd\nsoft l /etc/passwd\n");
  CHECK(contains(refusal(TarBuilder().folder("d").hard_link("x", "d")), "to the folder"));
  CHECK(contains(refusal(TarBuilder().hard_link("x", ".")), "root"));
  CHECK(unpacked(TarBuilder().file("f", "1").hard_link("f", "f")) == "f f 0644 1\n");
  CHECK(contains(refusal(TarBuilder().file("d/f", "1").hard_link("d", "d/f")), "replaces"));
}

TEST_CASE("of several names of an inode the first that is left is described", "[oci][layer]") {
  TarBuilder tar;
  tar.file("a", "one").hard_link("b", "a").hard_link("c", "b").file("a", "other");
  CHECK(unpacked(tar) == "a f 0644 5\nb f 0644 3\nc f 0644 3\n");
  CHECK(index_of(tar) == "D 0755i .\nF 0644 b\nH 0644 c -> b\nF 0644 a\n");
}

TEST_CASE("devices and sockets are recorded, not made", "[oci][layer][hostile]") {
  TarItem device;
  device.name = "dev/null";
  device.type = '3';
  TarItem block;
  block.name = "dev/sda";
  block.type = '4';
  TarItem fifo;
  fifo.name = "dev/pipe";
  fifo.type = '6';
  fifo.mode = 0620;
  TarBuilder tar;
  tar.add(device).add(block).add(fifo);
  CHECK(unpacked(tar) == "dev d 0755\ndev/pipe p 0620\n");
  CHECK(index_of(tar) ==
        "D 0755i .\nD 0755i dev\nX 0644 dev/null\nX 0644 dev/sda\nP 0620 dev/pipe\n");
}

TEST_CASE("the last of several entries wins", "[oci][layer]") {
  CHECK(unpacked(TarBuilder().file("a", "1").file("a", "22")) == "a f 0644 2\n");
  CHECK(unpacked(TarBuilder().file("a", "1").symlink("a", "b")) == "a l b\n");
  CHECK(unpacked(TarBuilder().folder("a").file("a/x").file("a", "1")) == "a f 0644 1\n");
  CHECK(unpacked(TarBuilder().folder("a").file("a/x").folder("a", 0700)) ==
        "a d 0700\na/x f 0644 0\n");
  // A folder that replaces a file of its own layer brings nothing of lower layers back.
  CHECK(unpacked(TarBuilder().symlink("a", "/etc").folder("a").file("a/x")) ==
        "a d 0755 opaque\na/x f 0644 0\n");
}

TEST_CASE("whiteouts", "[oci][layer]") {
  if (rerun_unprivileged()) return;
  CHECK(unpacked(TarBuilder().folder("d").whiteout("d/gone")) == "d d 0755\nd/gone w\n");
  CHECK(unpacked(TarBuilder().whiteout("a/b").whiteout("a/b")) == "a d 0755\na/b w\n");
  SECTION("and the same name, in either order") {
    CHECK(unpacked(TarBuilder().whiteout("a").file("a", "1")) == "a f 0644 1\n");
    CHECK(unpacked(TarBuilder().file("a", "1").whiteout("a")) == "a f 0644 1\n");
    CHECK(unpacked(TarBuilder().whiteout("a").folder("a").file("a/x")) ==
          "a d 0755 opaque\na/x f 0644 0\n");
    CHECK(unpacked(TarBuilder().folder("a").file("a/x").whiteout("a")) ==
          "a d 0755 opaque\na/x f 0644 0\n");
    CHECK(unpacked(TarBuilder().whiteout("a").file("a/x")) == "a d 0755 opaque\na/x f 0644 0\n");
    CHECK(index_of(TarBuilder().whiteout("a").file("a/x")) ==
          "D 0755i .\nW 0000 a\nD 0755i a\nF 0644 a/x\n");
  }
  SECTION("opaque folders keep their own layer's entries, in either order") {
    const char* expected = "a d 0755 opaque\na/x f 0644 0\n";
    CHECK(unpacked(TarBuilder().folder("a").opaque("a").file("a/x")) == expected);
    CHECK(unpacked(TarBuilder().folder("a").file("a/x").opaque("a")) == expected);
    CHECK(unpacked(TarBuilder().opaque("a").file("a/x")) == expected);
    CHECK(index_of(TarBuilder().file("x").opaque("")) == "D 0755i .\nF 0644 x\nO 0000 .\n");
  }
  SECTION("that name nothing are refused") {
    CHECK(contains(refusal(TarBuilder().file(".wh.")), "without a name"));
    CHECK(contains(refusal(TarBuilder().file("a/.wh..")), "without a name"));
    CHECK(contains(refusal(TarBuilder().file("a/.wh...")), "without a name"));
  }
  SECTION("aufs' own files are left out") {
    CHECK(unpacked(TarBuilder().file(".wh..wh.plnk/1").file(".wh..wh.aufs").file("a")) ==
          ".wh..wh.plnk d 0755\n.wh..wh.plnk/1 f 0644 0\na f 0644 0\n");
  }
  SECTION("reach through this layer's symlinks") {
    CHECK(unpacked(TarBuilder().symlink("l", "d").folder("d").whiteout("l/x")) ==
          "d d 0755\nd/x w\nl l d\n");
  }
}

TEST_CASE("the root's entry", "[oci][layer]") {
  CHECK(index_of(TarBuilder().folder(".", 0711).file("a")) == "D 0711 .\nF 0644 a\n");
  CHECK(contains(refusal(TarBuilder().symlink("./", "/etc")), "root is not a folder"));
}

TEST_CASE("only user attributes are kept, and none that overlayfs would obey",
          "[oci][layer][hostile]") {
  if (rerun_unprivileged()) return;
  TarItem item;
  item.name = "f";
  item.mode = 0444;
  item.xattrs = {{"user.mine", "v"},
                 {"user.overlay.opaque", "y"},
                 {"user.overlay.redirect", "/etc"},
                 {"trusted.overlay.opaque", "y"},
                 {"security.capability", "c"},
                 {"system.posix_acl_access", "a"}};
  TarItem folder = item;
  folder.name = "d/";
  folder.type = '5';
  folder.mode = 0755;
  const TempDir dir;
  REQUIRE(unpack(TarBuilder().add(item).add(folder).bytes(), dir.fd()));
  for (const char* name : {"fs/f", "fs/d"}) {
    char names[256] = {};
    const std::string path = dir.path() + "/" + name;
    const ssize_t n = ::listxattr(path.c_str(), names, sizeof names);
    CHECK(std::string(names, static_cast<std::size_t>(n)) == std::string("user.mine\0", 10));
  }
  const auto index = oci::read_layer_index(dir.fd());
  REQUIRE(index->entries.size() == 3);
  CHECK(index->entries[1].xattrs);
  CHECK(index->entries[1].capability);
  struct stat st{};
  ::stat((dir.path() + "/fs/f").c_str(), &st);
  CHECK((st.st_mode & 07777) == 0444);
}

TEST_CASE("times are kept, for folders too", "[oci][layer]") {
  TarItem old;
  old.name = "d/f";
  old.mtime = -100;
  const TempDir dir;
  REQUIRE(unpack(TarBuilder().folder("d").add(old).symlink("d/l", "x").bytes(), dir.fd()));
  struct stat st{};
  ::lstat((dir.path() + "/fs/d").c_str(), &st);
  CHECK(st.st_mtime == 1'600'000'000);
  ::lstat((dir.path() + "/fs/d/l").c_str(), &st);
  CHECK(st.st_mtime == 1'600'000'000);
  ::lstat((dir.path() + "/fs/d/f").c_str(), &st);
  CHECK(st.st_mtime == -100);
  TarItem far;
  far.name = "far";
  far.pax = {{"mtime", "99999999999999999999"}};
  CHECK(unpacked(TarBuilder().add(far)) == "far f 0644 0\n");
}

TEST_CASE("odd sizes and owners", "[oci][layer][hostile]") {
  TarItem big;
  big.name = "base256";
  big.content = "12345";
  big.size_field = std::string("\x80\0\0\0\0\0\0\0\0\0\0\5", 12);
  big.pax = {{"uid", "4294967296000"}};
  CHECK(unpacked(TarBuilder().add(big).file("next", "1")) == "base256 f 0644 5\nnext f 0644 1\n");
  TarItem negative = big;
  negative.size_field = std::string(11, '\xff') + '\xfe';
  CHECK(refusal(TarBuilder().add(negative)) != "");
  TarItem pax_negative;
  pax_negative.name = "n";
  pax_negative.pax = {{"size", "-5"}};
  CHECK(refusal(TarBuilder().add(pax_negative)) != "");
  TarItem huge;
  huge.name = "huge";
  huge.pax = {{"size", "9223372036854775807"}};
  CHECK(refusal(TarBuilder().add(huge)) != "");
}

TEST_CASE("sparse files become holes", "[oci][layer]") {
  TarItem sparse;
  sparse.name = "GNUSparseFile.0/s";
  sparse.pax = {{"GNU.sparse.major", "1"},
                {"GNU.sparse.minor", "0"},
                {"GNU.sparse.name", "s"},
                {"GNU.sparse.realsize", "1099511627000"}};
  std::string map = "1\n4194304\n5\n";
  map.resize(512);
  sparse.content = map + "hello";
  const TempDir dir;
  const std::string tar = TarBuilder().add(sparse).file("after", "1").bytes();
  REQUIRE(error_of(unpack(tar, dir.fd())).text == "");
  struct stat st{};
  REQUIRE(::stat((dir.path() + "/fs/s").c_str(), &st) == 0);
  CHECK(st.st_size == 1'099'511'627'000);
  CHECK(st.st_blocks < 1000);
  char found[6] = {};
  const int fd = ::open((dir.path() + "/fs/s").c_str(), O_RDONLY | O_CLOEXEC);
  CHECK(::pread(fd, found, 5, 4194304) == 5);
  ::close(fd);
  CHECK(std::string(found) == "hello");
}

TEST_CASE("a sparse map that overlaps is refused", "[oci][layer][hostile]") {
  TarItem sparse;
  sparse.name = "s";
  sparse.pax = {{"GNU.sparse.major", "1"},
                {"GNU.sparse.minor", "0"},
                {"GNU.sparse.name", "s"},
                {"GNU.sparse.realsize", "20"}};
  std::string map = "2\n10\n5\n0\n5\n";
  map.resize(512);
  sparse.content = map + "helloworld";
  CHECK(refusal(TarBuilder().add(sparse)) != "");
}
