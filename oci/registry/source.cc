// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/source.h"

#include <fmt/format.h>

#include <utility>

#include "oci/document_check.h"
#include "oci/limits.h"
#include "oci/media_type.h"
#include "oci/registry/blob_transfer.h"
#include "oci/registry/send.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

// A connection that breaks again and again may go on as long as it brings something: attempts count
// anew after this many bytes, up to a last limit.
constexpr std::uint64_t kProgressBytes = 1 << 20;
constexpr int kMaxBlobRequests = 200;

Error wrong_digest(const std::string& what, const Digest& is, std::string_view wanted) {
  return {Fault::corrupt,
          fmt::format("{}: the registry sent {}, not {}", what, is.str(), printable(wanted))};
}

// Only a hint, but one that everybody who pulls by it (docker, containerd) checks. Of schema 1 it
// is the digest of a part.
Result<void> check_hint(const Document& document, std::string_view hint, const std::string& what) {
  const auto digest = Digest::parse(hint);
  const bool counts = digest && document_kind(document.media_type) != DocumentKind::schema1;
  if (counts && *digest != document.digest) return wrong_digest(what, document.digest, hint);
  return {};
}

}  // namespace

std::string RegistrySource::named(const Digest& digest) const {
  return fmt::format("{}/{}@{}", reference_.domain, reference_.repository, digest.str());
}

Result<Document> RegistrySource::fetch_manifest(const std::string& name, const std::string& what) {
  const RegistryGet get{
      "manifests/" + name, std::string(manifest_accept()), 0, kMaxManifestBytes, {}};
  const auto once = [&](http::Failure& failure) { return registry_.get(get, failure); };
  http::Response response = TRY(send_with_retries(registry_.options(), once).within(what));
  if (response.status != 200) return registry_.error_of(response, what);
  const Digest digest = Digest::of(response.body);
  Document out{media_type_of(response.headers.get("Content-Type")), std::move(response.body),
               digest};
  TRY(check_hint(out, response.headers.get("Docker-Content-Digest"), what));
  return out;
}

Result<Document> RegistrySource::root_manifest() {
  const std::string what = reference_.str();
  Document out = TRY(fetch_manifest(reference_.manifest_name(), what));
  if (reference_.digest && *reference_.digest != out.digest)
    return wrong_digest(what, out.digest, reference_.digest->str());
  return out;
}

std::optional<Digest> RegistrySource::root_digest() {
  RegistryGet head{
      "manifests/" + reference_.manifest_name(), std::string(manifest_accept()), 0, 0, {}};
  head.method = http::Method::head;
  http::Failure failure = http::Failure::none;
  const Result<http::Response> response = registry_.get(head, failure);
  if (!response || response->status != 200) return std::nullopt;
  const Result<Digest> digest = Digest::parse(response->headers.get("Docker-Content-Digest"));
  return digest ? std::optional(*digest) : std::nullopt;
}

Result<Document> RegistrySource::manifest(const Descriptor& descriptor) {
  const std::string what = named(descriptor.digest);
  Document out = TRY(fetch_manifest(descriptor.digest.str(), what));
  TRY(check_document(out.bytes.size(), out.digest, descriptor).within(what));
  return out;
}

Result<void> RegistrySource::blob(const Descriptor& descriptor, const Sink& sink) {
  const std::string what = named(descriptor.digest);
  BlobTransfer transfer(descriptor.size, sink);
  RegistryGet get{"blobs/" + descriptor.digest.str(), "", 0, 0, {}};
  get.sink = [&](const http::Response& head, std::string_view bytes) {
    return transfer.accept(head, bytes);
  };
  std::uint64_t mark = 0;
  for (int requests = 1, attempt = 1; !transfer.complete(); ++requests, ++attempt) {
    http::Failure failure = http::Failure::none;
    get.range_from = transfer.begin();
    Result<http::Response> response = registry_.get(get, failure);
    if (response && response->status == 416 && get.range_from > 0) transfer.distrust_range();
    const bool ended = response && (response->status == 200 || response->status == 206);
    if (transfer.complete() && failure != http::Failure::sink) break;
    if (ended || transfer.try_again())
      failure = http::Failure::cut;  // it ended early, or is useless
    if (transfer.delivered() - mark >= kProgressBytes) {
      mark = transfer.delivered();
      attempt = 1;
    }
    const http::Response* answer = response && !ended ? &*response : nullptr;
    if (requests < kMaxBlobRequests && wait_to_retry(registry_.options(), attempt, failure, answer))
      continue;
    if (!response) return std::move(response).error().within(what);
    if (!ended) return registry_.error_of(*response, what);
    return Error{Fault::transient,
                 fmt::format("{}: the registry's answer ends after {} of {} bytes", what,
                             transfer.delivered(), descriptor.size)};
  }
  return {};
}

}  // namespace podpilot::oci
