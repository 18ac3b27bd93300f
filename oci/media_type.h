// SPDX-License-Identifier: Apache-2.0
// The media types of images, OCI's and docker's.
#pragma once

#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace podpilot::oci {

enum class Compression { none, gzip, zstd };

enum class DocumentKind {
  manifest,  // one image
  index,     // a list of manifests
  schema1,   // docker's first format: signed, without sizes; nobody should still have it
  generic,   // says nothing: "", application/json, text/plain, application/octet-stream
  unknown,
};

// Content-Type without its parameters, in lower case (RFC 9110 section 8.3.1).
std::string media_type_of(std::string_view content_type);

DocumentKind document_kind(std::string_view media_type);

// Whether a manifest with this config type is a container image (not a chart, a signature, ...).
bool is_image_config(std::string_view media_type);

// Fault::unsupported for what is no layer that we can unpack. What the type says is a promise of
// the image's author only: the pipeline may look at the first bytes besides.
Result<Compression> layer_compression(std::string_view media_type);

// The Accept header of a request for a manifest.
std::string_view manifest_accept();

}  // namespace podpilot::oci
