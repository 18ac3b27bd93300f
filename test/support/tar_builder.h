// SPDX-License-Identifier: Apache-2.0
// Tar archives made in code, sound ones and those that no tool would make.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace podpilot::test {

struct TarItem {
  std::string name;
  char type = '0';  // '0' file, '1' hard link, '2' symlink, '3' '4' devices, '5' folder, '6' fifo
  unsigned mode = 0644;
  std::string target;
  std::string content;
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  std::int64_t mtime = 1'600'000'000;
  std::map<std::string, std::string> xattrs;
  std::map<std::string, std::string> pax;
  std::optional<std::string> size_field;        // the header's twelve bytes, as they are
  std::map<std::size_t, std::string> raw = {};  // put over the header there, before its checksum
};

class TarBuilder {
 public:
  TarBuilder& add(const TarItem& item);

  TarBuilder& folder(std::string name, unsigned mode = 0755);
  TarBuilder& file(std::string name, std::string content = "", unsigned mode = 0644);
  TarBuilder& symlink(std::string name, std::string target);
  TarBuilder& hard_link(std::string name, std::string target);
  TarBuilder& whiteout(std::string_view name);  // of "a/b": a/.wh.b
  TarBuilder& opaque(std::string_view folder);

  // With the end mark.
  std::string bytes() const;
  // Without.
  const std::string& open_bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

std::string gzip(std::string_view bytes);
std::string zstd(std::string_view bytes, int level = 3);

}  // namespace podpilot::test
