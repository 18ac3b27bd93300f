// SPDX-License-Identifier: Apache-2.0
#include "test/support/tar_builder.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <cstring>

namespace podpilot::test {
namespace {

constexpr std::size_t kBlock = 512;

void pad(std::string& bytes) {
  bytes.resize((bytes.size() + kBlock - 1) / kBlock * kBlock);
}

void put(std::string& header, std::size_t at, std::string_view text) {
  header.replace(at, text.size(), text);
}

std::string octal(std::uint64_t value, std::size_t width) {
  std::string text = fmt::format("{:0{}o}", value, width - 1);
  return text.size() < width ? text + '\0' : std::string(width - 1, '7') + '\0';
}

std::string header_of(const TarItem& item, std::size_t size) {
  std::string header(kBlock, '\0');
  put(header, 0, std::string_view(item.name).substr(0, 100));
  put(header, 100, octal(item.mode, 8));
  put(header, 108, octal(item.uid, 8));
  put(header, 116, octal(item.gid, 8));
  put(header, 124, item.size_field ? *item.size_field : octal(size, 12));
  put(header, 136, octal(item.mtime < 0 ? 0 : static_cast<std::uint64_t>(item.mtime), 12));
  put(header, 148, "        ");
  header[156] = item.type;
  put(header, 157, std::string_view(item.target).substr(0, 100));
  put(header, 257, std::string_view("ustar\00000", 8));
  for (const auto& [at, bytes] : item.raw) put(header, at, bytes);
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(header, 148, fmt::format("{:06o}", sum) + '\0' + ' ');
  return header;
}

// "LENGTH KEY=VALUE\n", where the length counts itself.
std::string pax_record(const std::string& key, const std::string& value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (fmt::format("{}", length).size() + rest != length)
    length = fmt::format("{}", length).size() + rest;
  return fmt::format("{} {}={}\n", length, key, value);
}

std::string folder_prefix(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? "" : std::string(name.substr(0, slash + 1));
}

}  // namespace

TarBuilder& TarBuilder::add(const TarItem& item) {
  std::map<std::string, std::string> pax = item.pax;
  for (const auto& [name, value] : item.xattrs) pax["SCHILY.xattr." + name] = value;
  if (item.name.size() > 100) pax["path"] = item.name;
  if (item.target.size() > 100) pax["linkpath"] = item.target;
  if (item.mtime < 0) pax["mtime"] = fmt::format("{}", item.mtime);
  if (!pax.empty()) {
    std::string records;
    for (const auto& [key, value] : pax) records += pax_record(key, value);
    TarItem extended;
    extended.name = "PaxHeaders/x";
    extended.type = 'x';
    bytes_ += header_of(extended, records.size()) + records;
    pad(bytes_);
  }
  bytes_ += header_of(item, item.content.size()) + item.content;
  pad(bytes_);
  return *this;
}

TarBuilder& TarBuilder::folder(std::string name, unsigned mode) {
  TarItem item;
  item.name = std::move(name) + "/";
  item.type = '5';
  item.mode = mode;
  return add(item);
}

TarBuilder& TarBuilder::file(std::string name, std::string content, unsigned mode) {
  TarItem item;
  item.name = std::move(name);
  item.content = std::move(content);
  item.mode = mode;
  return add(item);
}

TarBuilder& TarBuilder::symlink(std::string name, std::string target) {
  TarItem item;
  item.name = std::move(name);
  item.type = '2';
  item.mode = 0777;
  item.target = std::move(target);
  return add(item);
}

TarBuilder& TarBuilder::hard_link(std::string name, std::string target) {
  TarItem item;
  item.name = std::move(name);
  item.type = '1';
  item.target = std::move(target);
  return add(item);
}

TarBuilder& TarBuilder::whiteout(std::string_view name) {
  const std::string folder = folder_prefix(name);
  return file(folder + ".wh." + std::string(name.substr(folder.size())));
}

TarBuilder& TarBuilder::opaque(std::string_view folder) {
  return file((folder.empty() ? "" : std::string(folder) + "/") + ".wh..wh..opq");
}

std::string TarBuilder::bytes() const {
  return bytes_ + std::string(2 * kBlock, '\0');
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(std::string_view bytes, int level) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
  if (ZSTD_isError(size)) std::abort();
  out.resize(size);
  return out;
}

}  // namespace podpilot::test
