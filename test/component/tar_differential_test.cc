// SPDX-License-Identifier: Apache-2.0
// Random sound archives, unpacked here and by GNU tar: names, types, modes, times, content, holes,
// links and attributes are the same.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

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

class RandomTar {
 public:
  explicit RandomTar(unsigned seed) : random_(seed) {}

  std::string make() {
    const unsigned entries = 5 + pick(40);
    for (unsigned i = 0; i < entries; ++i) add();
    constexpr std::size_t kRecord = 10'240;  // GNU tar seeks from one to the next
    std::string bytes = tar_.bytes();
    bytes.resize((bytes.size() + kRecord - 1) / kRecord * kRecord);
    return bytes;
  }

 private:
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

  std::string name() {
    static constexpr const char* kNames[] = {
        "a",           "b",           "caf\xc3\xa9", "\xe6\x97\xa5", "new\nline",
        "back\\slash", "lat\xef\xff", " ",           "-x",           "..."};
    switch (pick(8)) {
      case 0:
        return std::string(1 + pick(255), static_cast<char>('a' + pick(26)));
      case 1:
        return std::string(90 + pick(20), 'l');
      default:
        return fmt::format("{}{}", kNames[pick(10)], pick(5));
    }
  }

  std::string new_path() {
    const std::string folder =
        folders_.empty() || pick(4) == 0
            ? ""
            : *std::next(folders_.begin(), pick(static_cast<unsigned>(folders_.size()))) + "/";
    return folder + name();
  }

  std::string content() {
    std::string bytes(pick(3) ? pick(3000) : pick(300'000), '\0');
    for (char& c : bytes) c = static_cast<char>(random_());
    return bytes;
  }

  void describe(TarItem& item) {
    static constexpr unsigned kModes[] = {0644, 0755, 0600, 0444, 0700, 0640, 0777};
    item.mode = kModes[pick(7)] | (item.type == '5' ? 0700U : 0U);
    item.uid = pick(70'000);
    item.gid = pick(70'000);
    item.mtime = pick(2) ? pick(2'000'000'000) : 1'600'000'000;
    if (pick(4) == 0) item.pax["mtime"] = fmt::format("{}.{:09}", item.mtime, pick(1'000'000'000));
    if (pick(6) == 0 && (item.type == '0' || item.type == '5')) {
      item.xattrs[fmt::format("user.n{}", pick(3))] = std::string(1 + pick(100), 'v');
      item.mode |= 0200;  // GNU tar needs it
    }
    if (pick(8) == 0) item.pax["comment"] = "nothing";
    const bool plain = item.pax.empty() && item.xattrs.empty();
    if (plain && pick(4) == 0) item.raw[257] = std::string("ustar  \0", 8);  // GNU's own format
  }

  // pax 1.0, as GNU tar writes it: pieces of whole blocks, and one of no bytes at the end.
  void make_sparse(TarItem& item, const std::string& path) {
    std::string map, bytes;
    std::uint64_t end = 0;
    const unsigned pieces = 1 + pick(5);
    map = fmt::format("{}\n", pieces + 1);
    for (unsigned i = 0; i < pieces; ++i) {
      const std::uint64_t start = end + 512ULL * pick(2000);
      const std::string piece(512 * (1 + pick(20)), static_cast<char>('a' + i));
      map += fmt::format("{}\n{}\n", start, piece.size());
      bytes += piece;
      end = start + piece.size();
    }
    end += pick(5000);
    map += fmt::format("{}\n0\n", end);
    map.resize((map.size() + 511) / 512 * 512);
    item.pax = {{"GNU.sparse.major", "1"},
                {"GNU.sparse.minor", "0"},
                {"GNU.sparse.name", path},
                {"GNU.sparse.realsize", fmt::format("{}", end)}};
    item.name = "GNUSparseFile.0/s";
    item.content = map + bytes;
  }

  void add() {
    TarItem item;
    item.name = new_path();
    // One name twice is one file after another, or a folder described again: what a folder in the
    // place of others means differs between tools.
    const unsigned kind = pick(12);
    if (kind < 3) return add_folder(item);
    if (folders_.contains(item.name)) return;
    switch (kind) {
      case 3:
        item.type = '2';
        item.target = pick(2) ? "somewhere/else" : "/" + std::string(1 + pick(200), 't');
        break;
      case 4:
        if (files_.empty()) return;
        item.type = '1';
        item.target = *std::next(files_.begin(), pick(static_cast<unsigned>(files_.size())));
        if (item.target == item.name) return;
        return put(item);
      case 5:
        item.type = '6';
        break;
      default:
        item.content = content();
    }
    describe(item);
    const std::string path = item.name;
    if (item.type == '0' && pick(6) == 0 && item.xattrs.empty() && item.raw.empty())
      make_sparse(item, path);
    put(item);
    if (item.type == '0') files_.insert(path);
  }

  void add_folder(TarItem& item) {
    if (names_.contains(item.name) && !folders_.contains(item.name)) return;
    if (marked_.contains(item.name)) return;
    item.type = '5';
    describe(item);
    // Of a folder described twice GNU tar keeps the last attributes only, we all.
    if (!folders_.insert(item.name).second || pick(3)) item.xattrs.clear();
    if (!item.xattrs.empty()) marked_.insert(item.name);
    put(item);
  }

  void put(TarItem item) {
    files_.erase(item.name);
    names_.insert(item.name);
    if (item.type == '5') item.name += '/';
    tar_.add(item);
  }

  std::mt19937 random_;
  TarBuilder tar_;
  std::set<std::string> folders_, files_, names_;
  std::set<std::string> marked_;  // folders with attributes
};

// Everything but the top folder, which is no entry of the archive; and who shares an inode.
std::string listing(const std::string& path) {
  const DirFd dir = open_dir(path).value();
  std::string all = list_everything(dir);
  all.erase(0, all.find('\n') + 1);
  return all;
}

std::string links(const std::string& path) {
  const std::string file = path + ".links";
  const std::string command = fmt::format(
      "cd '{}' && find . ! -type d -links +1 -printf '%i %p\\0' | sort -z | "
      "awk 'BEGIN {{RS = ORS = \"\\0\"}} {{n = $1; sub(/^[0-9]+ /, \"\"); "
      "if (!(n in first)) first[n] = $0; print first[n] \" = \" $0}}' | sort -z >'{}'",
      path, file);
  REQUIRE(::system(command.c_str()) == 0);
  const DirFd parent = open_dir(path + "/..").value();
  return read_file_at(parent, path.substr(path.rfind('/') + 1) + ".links", 1 << 20).value();
}

// The lines from the first that differs on; two listings are long.
std::string difference(const std::string& ours, const std::string& theirs) {
  const auto [one, other] = std::ranges::mismatch(ours, theirs);
  if (one == ours.end() && other == theirs.end()) return "";
  const auto from = [](const std::string& text, std::string::const_iterator at) {
    const std::size_t line = text.rfind('\n', static_cast<std::size_t>(at - text.begin()));
    return text.substr(line == std::string::npos ? 0 : line + 1, 400);
  };
  return "ours:\n" + from(ours, one) + "\nGNU tar's:\n" + from(theirs, other);
}

}  // namespace

TEST_CASE("archives unpack as by GNU tar", "[component][tar]") {
  if (rerun_unprivileged()) return;
  const char* only = std::getenv("PODPILOT_SEED");
  const char* rounds = std::getenv("PODPILOT_ROUNDS");
  const unsigned first = only ? static_cast<unsigned>(std::atoi(only)) : 1;
  const unsigned last = only ? first : rounds ? static_cast<unsigned>(std::atoi(rounds)) : 30;
  for (unsigned seed = first; seed <= last; ++seed) {
    INFO("seed " << seed);
    const TempDir dir;
    const std::string tar = RandomTar(seed).make();
    dir.write("layer.tar", tar);
    dir.make_dir("gnu");
    const std::string command = fmt::format(
        "tar --extract --file '{0}/layer.tar' --directory '{0}/gnu' --preserve-permissions "
        "--no-same-owner --xattrs --delay-directory-restore --absolute-names 2>'{0}/errors'",
        dir.path());
    const int status = ::system(command.c_str());
    INFO(dir.read("errors"));
    REQUIRE(status == 0);
    dir.make_dir("ours");
    const DirFd ours = open_dir(dir / "ours").value();
    REQUIRE(error_of(unpack(tar, ours)).text == "");
    CHECK(difference(listing(dir / "ours/fs"), listing(dir / "gnu")) == "");
    CHECK(difference(links(dir / "ours/fs"), links(dir / "gnu")) == "");
  }
}
