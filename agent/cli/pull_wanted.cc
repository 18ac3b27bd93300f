// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/pull_wanted.h"

#include "agent/cli/common.h"
#include "oci/local/open.h"
#include "oci/registry/credential_helper.h"
#include "oci/registry/mirror.h"
#include "oci/registry/registries_conf.h"
#include "sandbox/base/io.h"

namespace podpilot::agent {
namespace {

constexpr std::size_t kMaxLoginBytes = 1 << 20;
constexpr std::chrono::seconds kHelperPatience{60};

// The job's own before ours.
Result<Place> place_of(const oci::RegistryReference& at, const oci::Secret& login,
                       const Options& options) {
  if (!login.empty()) {
    // A JSON error may quote a password.
    Result<oci::CredentialLookup> own = oci::find_credentials(login.reveal(), at.domain);
    if (!own) return Error{own.error().fault, "--login-fd: is not a docker config.json"};
    own->helper.clear();  // a program that the job names
    if (own->credentials) return Place{at, *std::move(own)};
  }
  oci::CredentialLookup ours = TRY(oci::load_credentials(credential_files(options), at.domain));
  if (!options.has("config-fd"))
    TRY(oci::ask_helper(ours, at.domain, Deadline::after(kHelperPatience)));
  return Place{at, std::move(ours)};
}

// --registry-mirror is one more mirror of docker.io, before the others. What has a login of the
// job's own is that registry's to give, wherever else it may be.
Result<std::vector<oci::Endpoint>> endpoints_of(const oci::RegistryReference& image,
                                                const oci::Secret& login, const Options& options) {
  const oci::RegistriesConf conf = TRY(oci::load_registries(registries_files(options)));
  std::vector<oci::Endpoint> out = TRY(conf.endpoints(image));
  if (!login.empty()) return std::vector<oci::Endpoint>{{image, out.back().plain_http}};
  const std::string mirror = options.text("registry-mirror");
  if (mirror.empty() || image.domain != oci::kDefaultDomain) return out;
  oci::RegistryReference at = TRY(oci::at_mirror(image, mirror));
  out.insert(out.begin(), {std::move(at), false});
  return out;
}

Result<std::vector<Place>> places_of(const oci::RegistryReference& image, const oci::Secret& login,
                                     const Options& options) {
  const std::vector<oci::Endpoint> endpoints = TRY(endpoints_of(image, login, options));
  std::vector<Place> out;
  for (const oci::Endpoint& endpoint : endpoints) {
    Place place = TRY(place_of(endpoint.at, login, options));
    place.plain_http = endpoint.plain_http;
    out.push_back(std::move(place));
  }
  return out;
}

}  // namespace

Result<oci::Secret> own_login(const Options& options) {
  if (!options.has("login-fd")) return oci::Secret();
  const std::uint64_t fd = TRY(options.number("login-fd"));
  std::string text =
      TRY(read_all(BorrowedFd(static_cast<int>(fd)), kMaxLoginBytes).within("--login-fd"));
  return oci::Secret(std::move(text));
}

Result<Wanted> wanted_image(const std::string& text, const oci::Secret& login,
                            const Options& options) {
  Wanted out;
  out.reference = TRY(oci::Reference::parse(text));
  const std::string name = out.reference.str();
  switch (out.reference.kind) {
    case oci::ReferenceKind::directory:
      return Error{Fault::unsupported, name + ": a folder is run as it is, never pulled"};
    case oci::ReferenceKind::registry:
      out.places = TRY(places_of(out.reference.registry, login, options).within(name));
      break;
    case oci::ReferenceKind::oci_layout:
    case oci::ReferenceKind::oci_archive:
    case oci::ReferenceKind::docker_archive:
      out.local = TRY(oci::open_local(out.reference).within(name));
      break;
  }
  return out;
}

}  // namespace podpilot::agent
