// SPDX-License-Identifier: Apache-2.0
// What a user calls an image, and the one normal form of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "oci/digest.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// Docker Hub: where a name without a registry belongs.
inline constexpr std::string_view kDefaultDomain = "docker.io";

// A name in a registry, normalised as docker does it: "busybox" is
// docker.io/library/busybox:latest.
struct RegistryReference {
  std::string domain;            // "docker.io", "localhost:5000", "[::1]:5000"
  std::string repository;        // "library/busybox"
  std::string tag;               // "" where only a digest was given
  std::optional<Digest> digest;  // counts, where there is one; the tag is then only a remark

  // Without a scheme: domain/repository[:tag][@digest].
  std::string str() const;
  // Where the domain is served ("host" or "host:port"): docker.io is not docker.io.
  std::string registry_host() const;
  // The last part of a manifest's URL: the digest, else the tag.
  std::string manifest_name() const;
};

enum class ReferenceKind { registry, oci_layout, oci_archive, docker_archive, directory };

struct Reference {
  ReferenceKind kind = ReferenceKind::registry;
  RegistryReference registry;  // only for that kind
  std::string path;            // for all others: of the operator's or the job's, as it was given
  std::string tag;             // oci_layout only: "" is "the only one"

  // "docker://HOST/REPO:TAG[@DIGEST]", the scheme optional; "oci:DIR[:TAG]", "oci-archive:FILE",
  // "docker-archive:FILE"; or a folder: absolute, or beginning with "./" or "../". Grammar and
  // limits of a name are those of github.com/distribution/reference.
  static Result<Reference> parse(std::string_view text);
  // Normal form: parses to the same reference again.
  std::string str() const;
};

}  // namespace podpilot::oci
