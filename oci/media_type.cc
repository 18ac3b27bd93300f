// SPDX-License-Identifier: Apache-2.0
#include "oci/media_type.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sandbox/base/text.h"

namespace podpilot::oci {

std::string media_type_of(std::string_view content_type) {
  std::string out(content_type.substr(0, content_type.find(';')));
  out.erase(0, std::min(out.find_first_not_of(" \t"), out.size()));
  out.erase(out.find_last_not_of(" \t") + 1);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

DocumentKind document_kind(std::string_view media_type) {
  constexpr std::pair<std::string_view, DocumentKind> kKinds[] = {
      {"application/vnd.oci.image.manifest.v1+json", DocumentKind::manifest},
      {"application/vnd.docker.distribution.manifest.v2+json", DocumentKind::manifest},
      {"application/vnd.oci.image.index.v1+json", DocumentKind::index},
      {"application/vnd.docker.distribution.manifest.list.v2+json", DocumentKind::index},
      {"application/vnd.docker.distribution.manifest.v1+json", DocumentKind::schema1},
      {"application/vnd.docker.distribution.manifest.v1+prettyjws", DocumentKind::schema1},
      {"", DocumentKind::generic},
      {"application/json", DocumentKind::generic},
      {"application/octet-stream", DocumentKind::generic},
      {"text/plain", DocumentKind::generic},
  };
  for (const auto& [name, kind] : kKinds)
    if (media_type == name) return kind;
  return DocumentKind::unknown;
}

bool is_image_config(std::string_view media_type) {
  // The last two are what registries said before there was a type; docker takes them, too.
  constexpr std::string_view kTypes[] = {"application/vnd.oci.image.config.v1+json",
                                         "application/vnd.docker.container.image.v1+json",
                                         "application/octet-stream", "application/json"};
  return std::find(std::begin(kTypes), std::end(kTypes), media_type) != std::end(kTypes);
}

Result<Compression> layer_compression(std::string_view media_type) {
  constexpr std::pair<std::string_view, std::string_view> kBases[] = {
      // the type, and what stands between it and the compression
      {"application/vnd.oci.image.layer.v1.tar", "+"},
      {"application/vnd.oci.image.layer.nondistributable.v1.tar", "+"},
      {"application/vnd.docker.image.rootfs.diff.tar", "."},
      {"application/vnd.docker.image.rootfs.foreign.diff.tar", "."},
  };
  for (const auto& [base, separator] : kBases) {
    if (!media_type.starts_with(base)) continue;
    const std::string_view rest = media_type.substr(base.size());
    if (rest.empty()) return Compression::none;
    if (!rest.starts_with(separator)) break;
    if (rest.substr(1) == "gzip") return Compression::gzip;
    if (rest.substr(1) == "zstd") return Compression::zstd;
    if (rest.ends_with("+encrypted"))
      return Error{Fault::unsupported, "the layer is encrypted, and podpilot has no keys"};
  }
  return Error{Fault::unsupported, fmt::format("media type \"{}\" is no layer that podpilot knows",
                                               printable(media_type.substr(0, 200)))};
}

std::string_view manifest_accept() {
  return "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
         "application/vnd.docker.distribution.manifest.list.v2+json, "
         "application/vnd.docker.distribution.manifest.v2+json";
}

}  // namespace podpilot::oci
