// SPDX-License-Identifier: Apache-2.0
// Headers that readers understand differently, or that never end.
#include <fmt/format.h>

#include "test/support/hostile_images.h"

namespace podpilot::test {
namespace {

TarBuilder tar() {
  return {};
}

TarItem item_of(char type, const std::string& name, const std::string& content = "") {
  TarItem item;
  item.name = name;
  item.type = type;
  item.content = content;
  return item;
}

TarItem with_pax(const std::string& name, const std::map<std::string, std::string>& pax,
                 const std::string& content = "") {
  TarItem item = item_of('0', name, content);
  item.pax = pax;
  return item;
}

TarItem with_size(const std::string& name, const std::string& field,
                  const std::string& content = "") {
  TarItem item = item_of('0', name, content);
  item.size_field = field;
  return item;
}

TarItem with_raw(const std::string& name, std::size_t at, const std::string& bytes) {
  TarItem item = item_of('0', name);
  item.raw = {{at, bytes}};
  return item;
}

// Records that are no records, before a file.
std::string bad_pax(const std::string& records) {
  return tar().file("first").add(item_of('x', "PaxHeaders/x", records)).file("f", "1").bytes();
}

// GNU's own long name ('L') or link target ('K').
TarItem gnu_long(char type, const std::string& content) {
  TarItem item = item_of(type, "././@LongLink", content);
  item.raw = {{257, std::string("ustar  \0", 8)}};
  return item;
}

// What a reader that loses its place would take for an entry.
std::string hidden_entry() {
  return tar().file("hidden", "changed").open_bytes();
}

std::string base256(unsigned char first, unsigned char rest, std::size_t size) {
  return static_cast<char>(first) + std::string(size - 1, static_cast<char>(rest));
}

std::string with_bad_checksum() {
  std::string bytes = tar().file("first").file("f", "1").bytes();
  bytes[512 + 148] ^= 1;
  return bytes;
}

HostileImage taken(const std::string& name, const std::string& precedent, const std::string& bytes,
                   const std::string& tree) {
  return {name, precedent, {bytes}, {}, tree};
}
HostileImage refused(const std::string& name, const std::string& precedent,
                     const std::string& bytes, const std::vector<std::string>& parts) {
  return {name, precedent, {bytes}, parts};
}

void add_sizes(std::vector<HostileImage>& out) {
  out.push_back(taken("pax says more than the header", "CVE-2025-62518 (TARmageddon)",
                      tar()
                          .add([] {
                            TarItem item = with_pax("f", {{"size", "1024"}}, hidden_entry());
                            item.size_field = std::string("00000000000\0", 12);
                            return item;
                          }())
                          .file("next")
                          .bytes(),
                      "f f 0644 1024\nnext f 0644 0\n"));
  out.push_back(taken("pax says less than the header", "CVE-2025-62518 (TARmageddon)",
                      tar()
                          .add([] {
                            TarItem item = with_pax("f", {{"size", "0"}});
                            item.size_field = std::string("00000002000\0", 12);
                            return item;
                          }())
                          .file("next")
                          .bytes(),
                      "f f 0644 0\nnext f 0644 0\n"));
  out.push_back(refused("a negative size", "tar-split testdata neg-size.tar",
                        tar().file("first").add(with_size("f", base256(0xff, 0xff, 12))).bytes(),
                        {"after first"}));
  out.push_back(refused("a size of 2^95", "CVE-2016-8687's kind (libarchive)",
                        tar().file("first").add(with_size("f", base256(0x80, 0xff, 12))).bytes(),
                        {"first"}));
  out.push_back(refused("a size of 8 GiB that is not there", "CVE-2025-8194 (Python)",
                        tar().add(with_size("f", "77777777777")).bytes(), {"f: tar data"}));
  for (const char* size : {"-5", "9223372036854775807", "18446744073709551616"})
    out.push_back(refused(fmt::format("a pax size of {}", size), "CVE-2025-8194 (Python)",
                          tar().file("first").add(with_pax("f", {{"size", size}})).bytes(), {"f"}));
  out.push_back(taken("sizes without digits", "tar-split testdata issue10968.tar, issue12435.tar",
                      tar()
                          .add(with_size("a", "            "))
                          .add(with_size("b", std::string(12, '\0')))
                          .add(with_size("c", "zzzzzzzzzzzz"))
                          .bytes(),
                      "a f 0644 0\nb f 0644 0\nc f 0644 0\n"));
  for (const std::size_t at : {108UL, 116UL, 329UL, 337UL})
    out.push_back(taken(fmt::format("the number at {} in base 256, with all bits", at),
                        "CVE-2022-48303 (GNU tar); tar-split testdata nil-uid.tar",
                        tar().add(with_raw("f", at, base256(0xff, 0xff, 8))).bytes(),
                        "f f 0644 0\n"));
  for (const unsigned first : {0x80U, 0xbfU, 0xc0U, 0xffU})
    out.push_back(taken(
        fmt::format("a time in base 256 that begins with {:02x}", first),
        "CVE-2022-48303 (GNU tar)",
        tar().add(with_raw("f", 136, base256(static_cast<unsigned char>(first), 0xfe, 12))).bytes(),
        "f f 0644 0\n"));
}

void add_pax(std::vector<HostileImage>& out) {
  const auto is_refused = [&out](const std::string& name, const std::string& records) {
    out.push_back(refused("pax " + name, "CVE-2019-20907 (Python), CVE-2023-39804 (GNU tar)",
                          bad_pax(records), {"after first"}));
  };
  is_refused("records of no length", "0 path=../x\n");
  is_refused("records longer than the header", "99 path=../x\n");
  is_refused("records with a length that overflows", "99999999999999999999999 path=../x\n");
  is_refused("records with a negative length", "-1 path=../x\n");
  is_refused("records without a length", "path=../x\n");
  is_refused("records without =", "9 path..\n\n");
  is_refused("records without an end", "12 path=../xyz");
  out.push_back(refused("pax path that climbs", "CVE-2007-4559 (Python)",
                        tar().add(with_pax("good", {{"path", "../bad"}})).bytes(),
                        {"\"../bad\" leads out"}));
  out.push_back(taken(
      "global pax headers", "tar-split testdata pax-global-records.tar",
      tar().add(item_of('g', "pax_global_header", "18 path=../../bad\n")).file("good", "1").bytes(),
      "good f 0644 1\n"));
  out.push_back(refused("pax headers in a row", "tar-split testdata pax-multi-hdrs.tar",
                        tar()
                            .file("first")
                            .add(item_of('x', "x", "10 path=a\n"))
                            .add(item_of('x', "x", "10 path=b\n"))
                            .file("c", "1")
                            .bytes(),
                        {"after first"}));
  out.push_back(refused("a pax header that says gigabytes", "CVE-2022-2879 (Go)",
                        tar()
                            .file("first")
                            .add([] {
                              TarItem item = item_of('x', "x", "10 path=a\n");
                              item.size_field = "77777777777";
                              return item;
                            }())
                            .bytes(),
                        {"after first", "too large"}));
  out.push_back(refused("a pax header at the end", "tar-split testdata hdr-only.tar",
                        tar().file("first").add(item_of('x', "x", "10 path=a\n")).bytes(),
                        {"after first"}));
}

void add_gnu(std::vector<HostileImage>& out) {
  for (const char type : {'L', 'K'}) {
    out.push_back(refused(fmt::format("GNU's {} of gigabytes", type),
                          "CVE-2024-57970's kind (libarchive); python/cpython issue 151497",
                          tar()
                              .file("first")
                              .add([type] {
                                TarItem item = gnu_long(type, "x");
                                item.size_field = "77777777777";
                                return item;
                              }())
                              .bytes(),
                          {"after first", "too large"}));
    TarBuilder many;
    many.file("first");
    for (int i = 0; i < 3; ++i) many.add(gnu_long(type, "name"));
    out.push_back(
        taken(fmt::format("GNU's {} several times", type), "tar-split testdata gnu-multi-hdrs.tar",
              many.symlink("l", "target").bytes(),
              type == 'L' ? "first f 0644 0\nname l target\n" : "first f 0644 0\nl l name\n"));
  }
  out.push_back(taken("GNU's long name with a NUL byte", "tar-split testdata gnu-long-nul.tar",
                      tar().add(gnu_long('L', std::string("a\0/../../x", 10))).file("f").bytes(),
                      "a f 0644 0\n"));
  out.push_back(refused("GNU's long name that climbs", "CVE-2007-4559 (Python)",
                        tar().add(gnu_long('L', "../x")).file("f").bytes(),
                        {"\"../x\" leads out"}));
  out.push_back(refused("GNU's long name at the end", "tar-split testdata hdr-only.tar",
                        tar().file("first").add(gnu_long('L', "name")).bytes(), {"after first"}));
  out.push_back(taken("types that nobody knows", "tar-split testdata gnu-incremental.tar",
                      tar()
                          .add(item_of('V', "volume"))
                          .add(item_of('D', "dump/", std::string("Yf\0", 3)))
                          .add(item_of('Z', "z", "1"))
                          .add(item_of('7', "contiguous", "1"))
                          .bytes(),
                      "contiguous f 0644 1\ndump d 0644\nz f 0644 1\n"));
}

}  // namespace

std::vector<HostileImage> hostile_headers() {
  std::vector<HostileImage> out;
  add_sizes(out);
  add_pax(out);
  add_gnu(out);
  out.push_back(refused("a wrong checksum", "tar-split testdata issue11169.tar",
                        with_bad_checksum(), {"after first"}));
  out.push_back(taken("a header without magic", "tar-split testdata v7.tar",
                      tar().add(with_raw("f", 257, std::string(8, '\0'))).bytes(), "f f 0644 0\n"));
  out.push_back(refused("a web page", "faulty registries", "<html>" + std::string(2000, 'x'),
                        {"Damaged tar archive"}));
  return out;
}

}  // namespace podpilot::test
