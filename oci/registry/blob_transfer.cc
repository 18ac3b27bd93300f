// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/blob_transfer.h"

#include <fmt/format.h>

#include <algorithm>

#include "oci/media_type.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

Error corrupt(std::string text) {
  return {Fault::corrupt, std::move(text)};
}
Error bad(std::string text) {
  return {Fault::invalid, std::move(text)};
}

}  // namespace

std::uint64_t BlobTransfer::begin() {
  head_seen_ = false;
  distrust_range_now_ = false;
  asked_ = distrust_range_ ? 0 : delivered_;
  skip_ = delivered_;  // until a 206 says otherwise
  return asked_;
}

Result<void> BlobTransfer::accept(const http::Response& head, std::string_view bytes) {
  if (!head_seen_) {
    head_seen_ = true;
    TRY(check_head(head));
  }
  const std::size_t skipped =
      static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
  skip_ -= skipped;
  bytes.remove_prefix(skipped);
  if (bytes.size() > size_ - delivered_)
    return corrupt(
        fmt::format("the registry sends more than the {} bytes that the manifest says", size_));
  if (bytes.empty()) return {};
  TRY(sink_(bytes));
  delivered_ += bytes.size();
  return {};
}

Result<void> BlobTransfer::check_head(const http::Response& head) {
  const std::string type = media_type_of(head.headers.get("Content-Type"));
  if (type == "text/html")
    return bad(
        "the answer is a web page: the host is no registry, or a login page stands before it");
  const std::string_view length = head.headers.get("Content-Length");
  if (head.status == 200) return check_length(length, size_);
  if (head.status != 206 || asked_ == 0)
    return bad(fmt::format("the answer has status {}, which is not the blob", head.status));
  const std::uint64_t part = TRY(check_range(head.headers.get("Content-Range")));
  TRY(check_length(length, part));
  skip_ = 0;
  return {};
}

void BlobTransfer::distrust_range() {
  distrust_range_ = true;
  distrust_range_now_ = true;
}

// "bytes FIRST-LAST/SIZE" (RFC 9110 section 14.4); SIZE may be "*", and LAST before what was asked
// for. The value is how many bytes that are.
Result<std::uint64_t> BlobTransfer::check_range(std::string_view content_range) {
  constexpr std::string_view kUnit = "bytes ";
  const std::size_t dash = content_range.find('-');
  const std::size_t slash = content_range.find('/');
  const bool formed = content_range.starts_with(kUnit) && dash != std::string_view::npos &&
                      slash != std::string_view::npos && dash < slash;
  const auto first =
      formed ? parse_number(content_range.substr(kUnit.size(), dash - kUnit.size())) : std::nullopt;
  const auto last =
      formed ? parse_number(content_range.substr(dash + 1, slash - dash - 1)) : std::nullopt;
  const std::string_view total = formed ? content_range.substr(slash + 1) : std::string_view();
  const bool ours = first == delivered_ && last && *last >= *first && *last < size_;
  if (ours && (total == "*" || parse_number(total) == size_)) return *last - *first + 1;
  distrust_range();
  return bad(fmt::format("asked for the bytes from {} on, the registry sent \"{}\"", delivered_,
                         printable(content_range.substr(0, 100))));
}

Result<void> BlobTransfer::check_length(std::string_view content_length,
                                        std::uint64_t wanted) const {
  const auto length = parse_number(content_length);
  if (!length || *length == wanted) return {};
  return corrupt(fmt::format(
      "the registry's blob has {} bytes where the manifest leads to expect {}", *length, wanted));
}

}  // namespace podpilot::oci
