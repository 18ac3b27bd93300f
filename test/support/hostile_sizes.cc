// SPDX-License-Identifier: Apache-2.0
// Sparse files, and archives that end early, late or twice.
#include <fmt/format.h>

#include "test/support/hostile_images.h"

namespace podpilot::test {
namespace {

constexpr std::size_t kBlock = 512;

TarBuilder tar() {
  return {};
}

// pax 1.0: the map is before the content.
TarItem sparse_1_0(std::string map, const std::string& content, const std::string& size) {
  TarItem item;
  item.name = "GNUSparseFile.0/s";
  item.pax = {{"GNU.sparse.major", "1"},
              {"GNU.sparse.minor", "0"},
              {"GNU.sparse.name", "s"},
              {"GNU.sparse.realsize", size}};
  map.resize((map.size() + kBlock - 1) / kBlock * kBlock);
  item.content = map + content;
  return item;
}

// pax 0.1: the map is in the header.
TarItem sparse_0_1(const std::string& map, const std::string& content, const std::string& size) {
  TarItem item;
  item.name = "GNUSparseFile.0/s";
  item.pax = {{"GNU.sparse.name", "s"}, {"GNU.sparse.size", size}, {"GNU.sparse.map", map}};
  item.content = content;
  return item;
}

std::string number(const std::string& octal) {
  return std::string(11 - octal.size(), '0') + octal + " ";
}

// GNU tar's own format: up to four pieces in the header, `pieces` in octal.
TarItem sparse_gnu(const std::vector<std::pair<std::string, std::string>>& pieces,
                   const std::string& content, const std::string& size, bool extended = false) {
  TarItem item;
  item.name = "s";
  item.type = 'S';
  item.content = content;
  item.raw = {{257, std::string("ustar  \0", 8)},
              {482, std::string(1, static_cast<char>(extended))},
              {483, number(size)}};
  std::string map;
  for (const auto& [offset, count] : pieces) map += number(offset) + number(count);
  item.raw[386] = map;
  return item;
}

std::string joined(const std::string& first, const std::string& second) {
  return first + second;
}

HostileImage image(const std::string& name, const std::string& precedent, const std::string& bytes,
                   const std::vector<std::string>& refused, const std::string& tree = "") {
  return {name, precedent, {bytes}, refused, tree};
}

}  // namespace

std::vector<HostileImage> hostile_sizes() {
  const char* go = "CVE-2025-58183 (Go)";
  const char* gnu = "CVE-2018-20482, CVE-2019-9923 (GNU tar)";
  const std::string one = tar().file("a", "1").open_bytes();
  const std::string two = tar().file("b", "22").bytes();
  const std::string end(2 * kBlock, '\0');
  std::vector<HostileImage> out = {
      image("a sparse map (pax 1.0) that says a billion pieces", go,
            tar().add(sparse_1_0("1000000000\n", "hello", "5")).bytes(), {"s"}),
      image("a sparse map (pax 1.0) that overlaps itself", gnu,
            tar().add(sparse_1_0("2\n10\n5\n0\n5\n", "helloworld", "20")).bytes(),
            {"s: a sparse map that overlaps"}),
      image("a sparse map (pax 1.0) that leaves its file", gnu,
            tar().add(sparse_1_0("1\n1000\n5\n", "hello", "20")).bytes(),
            {"s: a sparse map that overlaps itself or leaves its file"}),
      image("a sparse map (pax 1.0) with negative places", gnu,
            tar().add(sparse_1_0("1\n-10\n5\n", "hello", "20")).bytes(), {"s"}),
      image("a sparse map (pax 1.0) with numbers that overflow", gnu,
            tar().add(sparse_1_0("1\n99999999999999999999\n5\n", "hello", "20")).bytes(), {"s"}),
      image("a sparse map (pax 1.0) without numbers", gnu,
            tar().add(sparse_1_0("one\n", "hello", "20")).bytes(), {"s"}),
      image("a sparse map (pax 1.0) of more content than there is", gnu,
            tar().add(sparse_1_0("1\n0\n500000\n", "hello", "500000")).bytes(), {},
            "s f 0644 500000\n"),
      image("a sparse map (pax 0.1) that overlaps itself", gnu,
            tar().add(sparse_0_1("10,5,0,5", "helloworld", "20")).bytes(),
            {"s: a sparse map that overlaps"}),
      image("a sparse map (pax 0.1) that leaves its file", gnu,
            tar().add(sparse_0_1("1000,5", "hello", "20")).bytes(), {"s: a sparse map"}),
      image("GNU's sparse map that overlaps itself", gnu,
            tar().add(sparse_gnu({{"12", "5"}, {"0", "5"}}, "helloworld", "24")).bytes(),
            {"s: a sparse map that overlaps"}),
      image("GNU's sparse map that leaves its file", gnu,
            tar().add(sparse_gnu({{"1000", "5"}}, "hello", "24")).bytes(), {"s: a sparse map"}),
      image("GNU's sparse map whose next block is missing", gnu,
            tar().add(sparse_gnu({{"0", "0"}}, "", "24", true)).open_bytes(), {"tar"}),
      image("a sparse file, sound", "tar-split testdata sparse-formats.tar",
            tar().add(sparse_gnu({{"0", "5"}, {"17", "5"}}, "helloworld", "24")).bytes(), {},
            "s f 0644 20\n"),
      image("a hole of more than 1 TiB", go,
            tar().add(sparse_1_0("0\n", "", "1099511627777")).bytes(), {"s: files larger than"}),
      image("a hole of 2^63 bytes", go,
            tar().add(sparse_1_0("0\n", "", "9223372036854775808")).bytes(), {"s"}),
      image(
          "two holes, together more than 1 TiB", go,
          tar().add(sparse_1_0("0\n", "", "1099511627776")).add(sparse_1_0("0\n", "", "1")).bytes(),
          {"s: files larger than"}),
      image("another archive after the end mark", "CVE-2025-62518's kind: two readers",
            joined(joined(one, end), two), {}, "a f 0644 1\n"),
      image("garbage after the end mark", "tar-split testdata extranils.tar.gz",
            joined(joined(one, end), "garbage" + std::string(20'000, 'x')), {}, "a f 0644 1\n"),
      image("one block of zeroes in the middle", "tar-split testdata notenoughnils.tar.gz",
            joined(joined(one, std::string(kBlock, '\0')), two), {}, "a f 0644 1\n"),
      image("no end mark", "tar-split testdata notenoughnils.tar.gz", one, {}, "a f 0644 1\n"),
      image("garbage instead of an end mark", "tar-split testdata issue11169.tar",
            joined(one, std::string(kBlock, 'x')), {"after a"}),
      image("two archives without an end mark", "tar --concatenate", joined(one, two), {},
            "a f 0644 1\nb f 0644 2\n"),
      image("only zeroes", "tar-split testdata extranils.tar.gz", std::string(20'480, '\0'), {},
            ""),
  };
  // A sound archive, cut in each of its blocks: a's header and content, b's header, three blocks of
  // content, c's header. Where an entry is complete the archive is, as there is no mark.
  const std::string whole =
      tar().file("a", "1").file("b", std::string(1200, 'b')).symlink("c", "a").open_bytes();
  const auto cut = [&](std::size_t at, const std::string& refused, const std::string& tree) {
    out.push_back(image(fmt::format("cut after {} bytes", at),
                        "CVE-2015-8933's kind (libarchive): truncated", whole.substr(0, at),
                        refused.empty() ? std::vector<std::string>() : std::vector{refused}, tree));
  };
  cut(100, "tar", "");
  cut(512, "a: tar data", "");
  cut(513, "", "a f 0644 1\n");
  cut(1024, "", "a f 0644 1\n");
  cut(1100, "after a", "");
  for (const std::size_t at : {1536UL, 1600UL, 2048UL, 2700UL}) cut(at, "b: tar data", "");
  cut(2560 + 176, "", "a f 0644 1\nb f 0644 1200\n");
  cut(3072, "", "a f 0644 1\nb f 0644 1200\n");
  cut(3200, "after b", "");
  return out;
}

}  // namespace podpilot::test
