// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace podpilot::oci::http {

struct Header {
  std::string name;
  std::string value;
};

bool same_name(std::string_view a, std::string_view b);  // ASCII letters compare without case

// The header fields of one response, in order; names compare without case (RFC 9110 section 5.1).
class Headers {
 public:
  // One line as received, with or without its CRLF. False: it is no header field, or there are more
  // than an honest server would send.
  bool add_line(std::string_view line);
  void clear();

  // The first value, "" if there is none.
  std::string_view get(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;

 private:
  std::vector<Header> fields_;
  std::size_t bytes_ = 0;
};

}  // namespace podpilot::oci::http
