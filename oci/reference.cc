// SPDX-License-Identifier: Apache-2.0
#include "oci/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "oci/limits.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

constexpr std::string_view kLegacyDomain = "index.docker.io";
constexpr std::string_view kHubHost = "registry-1.docker.io";
constexpr std::size_t kMaxRepositoryBytes = 255;  // distribution/reference
constexpr std::size_t kMaxDomainBytes = 253 + 6;  // RFC 1035 name, ":65535"
constexpr std::size_t kMaxTagBytes = 128;

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
  return is_lower(c) || is_upper(c) || is_digit(c);
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool has_upper(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_upper);
}

Error bad(std::string_view text, std::string_view why) {
  return {Fault::invalid,
          fmt::format("image name \"{}\": {}", printable(text.substr(0, 200)), why)};
}

bool valid_port(std::string_view port) {
  const auto number = port.size() <= 5 ? parse_number(port) : std::nullopt;
  return number && *number >= 1 && *number <= 65535;
}

// domain-component *["." domain-component]: letters, digits, inner hyphens.
bool valid_host_name(std::string_view host) {
  const auto parts = split(host, '.');
  return std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
    const bool plain =
        std::all_of(part.begin(), part.end(), [](char c) { return is_alnum(c) || c == '-'; });
    return !part.empty() && plain && part.front() != '-' && part.back() != '-';
  });
}

bool valid_domain(std::string_view domain) {
  if (domain.size() > kMaxDomainBytes) return false;
  if (domain.starts_with('[')) {
    const std::size_t end = domain.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    const std::string_view address = domain.substr(1, end - 1);
    const std::string_view rest = domain.substr(end + 1);
    return std::all_of(address.begin(), address.end(),
                       [](char c) { return is_hex(c) || c == ':'; }) &&
           (rest.empty() || (rest.front() == ':' && valid_port(rest.substr(1))));
  }
  const std::size_t colon = domain.find(':');
  if (colon != std::string_view::npos && !valid_port(domain.substr(colon + 1))) return false;
  return valid_host_name(domain.substr(0, colon));
}

// Lower-case letters and digits, joined by ".", "_", "__" or any number of "-".
bool valid_path_component(std::string_view part) {
  const auto word = [](char c) { return is_lower(c) || is_digit(c); };
  if (part.empty() || !word(part.front()) || !word(part.back())) return false;
  for (std::size_t i = 0; i < part.size();) {
    if (word(part[i])) {
      ++i;
      continue;
    }
    const std::size_t end = static_cast<std::size_t>(
        std::find_if(part.begin() + static_cast<std::ptrdiff_t>(i), part.end(), word) -
        part.begin());
    const std::string_view joint = part.substr(i, end - i);
    const bool hyphens = joint.find_first_not_of('-') == std::string_view::npos;
    if (!hyphens && joint != "." && joint != "_" && joint != "__") return false;
    i = end;
  }
  return true;
}

bool valid_tag(std::string_view tag) {
  if (tag.empty() || tag.size() > kMaxTagBytes || tag.front() == '.' || tag.front() == '-')
    return false;
  return std::all_of(tag.begin(), tag.end(),
                     [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

// The first component is a host if it looks like one: a dot, a port, "localhost", or an upper-case
// letter, which no repository may have.
std::pair<std::string_view, std::string_view> split_domain(std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return {kDefaultDomain, name};
  const std::string_view first = name.substr(0, slash);
  if (first.find_first_of(".:") == std::string_view::npos && first != "localhost" &&
      !has_upper(first))
    return {kDefaultDomain, name};
  return {first == kLegacyDomain ? kDefaultDomain : first, name.substr(slash + 1)};
}

Result<void> check_repository(std::string_view text, std::string_view repository) {
  if (repository.empty()) return bad(text, "there is no repository in it");
  if (repository.size() > kMaxRepositoryBytes)
    return bad(text, fmt::format("the repository has {} characters, at most {} are allowed",
                                 repository.size(), kMaxRepositoryBytes));
  if (has_upper(repository)) return bad(text, "the repository must be lower case");
  const auto parts = split(repository, '/');
  if (!std::all_of(parts.begin(), parts.end(), valid_path_component))
    return bad(text, "the repository may have a-z, 0-9, and single . _ or - within a word");
  return {};
}

Result<RegistryReference> parse_registry(std::string_view text) {
  RegistryReference out;
  std::string_view rest = text;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    out.digest = TRY(Digest::parse(rest.substr(at + 1)).within(bad(text, "after the @").text));
    rest = rest.substr(0, at);
  }
  const bool identifier = rest.size() == 64 && std::all_of(rest.begin(), rest.end(), [](char c) {
                            return is_digit(c) || (c >= 'a' && c <= 'f');
                          });
  if (identifier) return bad(text, "64 hex digits are an image id, not a name");

  const auto [domain, remainder] = split_domain(rest);
  if (!valid_domain(domain)) return bad(text, "the registry before the first / is not HOST[:PORT]");
  const std::size_t colon = remainder.find(':');
  if (colon != std::string_view::npos) {
    if (!valid_tag(remainder.substr(colon + 1)))
      return bad(text, "the tag may have 1 to 128 letters, digits, _ . or -");
    out.tag = remainder.substr(colon + 1);
  }
  out.domain = domain;
  out.repository = remainder.substr(0, colon);
  if (domain == kDefaultDomain && !out.repository.empty() && !out.repository.contains('/'))
    out.repository.insert(0, "library/");
  TRY(check_repository(text, out.repository));
  if (out.tag.empty() && !out.digest) out.tag = "latest";
  return out;
}

// A colon belongs to the path unless what follows the last one can be a tag.
Result<Reference> parse_layout(std::string_view text, std::string_view rest) {
  Reference out{ReferenceKind::oci_layout, {}, std::string(rest), ""};
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && valid_tag(rest.substr(colon + 1))) {
    out.path = rest.substr(0, colon);
    out.tag = rest.substr(colon + 1);
  }
  if (out.path.empty()) return bad(text, "there is no folder after oci:");
  return out;
}

bool is_folder(std::string_view text) {
  return text.starts_with('/') || text == "." || text == ".." || text.starts_with("./") ||
         text.starts_with("../");
}

}  // namespace

std::string RegistryReference::str() const {
  std::string out = domain + "/" + repository;
  if (!tag.empty()) out += ":" + tag;
  if (digest) out += "@" + digest->str();
  return out;
}

std::string RegistryReference::registry_host() const {
  return domain == kDefaultDomain ? std::string(kHubHost) : domain;
}

std::string RegistryReference::manifest_name() const {
  return digest ? digest->str() : tag;
}

Result<Reference> Reference::parse(std::string_view text) {
  if (text.empty()) return bad(text, "is empty");
  if (text.size() > kMaxReferenceBytes) return bad(text, "is too long");
  if (text.contains('\0')) return bad(text, "has a NUL byte in it");
  if (is_folder(text)) return Reference{ReferenceKind::directory, {}, std::string(text), ""};

  constexpr std::pair<std::string_view, ReferenceKind> kArchives[] = {
      {"oci-archive:", ReferenceKind::oci_archive},
      {"docker-archive:", ReferenceKind::docker_archive}};
  for (const auto& [prefix, kind] : kArchives) {
    if (!text.starts_with(prefix)) continue;
    if (text.size() == prefix.size()) return bad(text, "there is no file after the colon");
    return Reference{kind, {}, std::string(text.substr(prefix.size())), ""};
  }
  if (text.starts_with("oci:")) return parse_layout(text, text.substr(4));

  constexpr std::string_view kDocker = "docker://";
  const std::string_view name = text.starts_with(kDocker) ? text.substr(kDocker.size()) : text;
  if (name.contains("://"))
    return bad(text, "is a URL; write docker://HOST/REPOSITORY:TAG or leave the scheme out");
  Reference out;
  out.registry = TRY(parse_registry(name));
  return out;
}

std::string Reference::str() const {
  switch (kind) {
    case ReferenceKind::registry:
      return "docker://" + registry.str();
    case ReferenceKind::oci_layout:
      return "oci:" + path + (tag.empty() ? "" : ":" + tag);
    case ReferenceKind::oci_archive:
      return "oci-archive:" + path;
    case ReferenceKind::docker_archive:
      return "docker-archive:" + path;
    case ReferenceKind::directory:
      break;
  }
  return path;
}

}  // namespace podpilot::oci
