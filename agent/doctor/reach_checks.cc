// SPDX-License-Identifier: Apache-2.0
#include "agent/doctor/reach_checks.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agent/scheduler/htcondor/security/security.h"
#include "agent/scheduler/spool/folder.h"
#include "agent/version.h"
#include "oci/http/client.h"
#include "oci/http/date.h"
#include "oci/reference.h"
#include "oci/registry/credential_helper.h"
#include "oci/registry/credentials.h"
#include "oci/registry/ping.h"
#include "oci/registry/source.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

constexpr std::chrono::seconds kPatience{20};

constexpr const char* kRegistry = "registry";
constexpr const char* kImage = "image";
constexpr const char* kScheduler = "scheduler";

Remedy remedy_of_failure(oci::http::Failure failure) {
  using oci::http::Failure;
  if (failure == Failure::name) return remedy_of(Reason::resolver);
  if (failure == Failure::certificate) return remedy_of(Reason::authorities);
  return advice(Reason::registry,
                "Check the registry's name and port, the cluster's network policies, and "
                "$HTTPS_PROXY if the pod may only go out by a proxy.");
}

Finding check_manifest(oci::http::Client& client, const oci::RegistryReference& reference,
                       const std::vector<std::string>& files) {
  oci::RegistryOptions options;
  options.deadline = Deadline::after(kPatience);
  Result<oci::CredentialLookup> credentials = oci::load_credentials(files, reference.domain);
  if (credentials)
    if (const auto asked =
            oci::ask_helper(*credentials, reference.domain, Deadline::after(kPatience));
        !asked)
      credentials = asked.error();
  if (!credentials)
    return {kImage, Mark::bad, credentials.error().text,
            advice(Reason::registry, "Give --registry-config a docker config.json.")};
  options.credentials = *std::move(credentials);
  const bool known = options.credentials.credentials.has_value();
  oci::RegistrySource source(client, reference, std::move(options));
  const Result<oci::Document> manifest = source.root_manifest();
  if (!manifest)
    return {kImage, Mark::bad, manifest.error().text,
            advice(Reason::registry,
                   "Check the image's name, and the credentials (--registry-config).")};
  return {kImage, Mark::good,
          fmt::format("{}: {}, {}", reference.str(), manifest->digest.str(),
                      known ? "with credentials" : "without credentials")};
}

}  // namespace

RegistryCheck check_registry(const std::string& image, const std::vector<std::string>& files) {
  RegistryCheck out;
  const bool host_only = image.ends_with('/');
  // A host alone is a name once it has a repository.
  const Result<oci::Reference> reference = oci::Reference::parse(host_only ? image + "any" : image);
  if (!reference || reference->kind != oci::ReferenceKind::registry) {
    out.findings = {
        {kRegistry, Mark::bad,
         reference ? "only images in a registry can be asked for" : reference.error().text,
         advice(Reason::registry, "Name an image as docker://HOST/REPO:TAG, or HOST/.")}};
    return out;
  }
  oci::http::Client client(
      {.user_agent = fmt::format("podpilot/{}", build_info().version), .ca_file = {}});
  const std::string host = reference->registry.registry_host();
  oci::http::Failure failure = oci::http::Failure::none;
  const Result<oci::http::Response> answer =
      oci::ping(client, host, Deadline::after(kPatience), failure);
  out.resolves = failure != oci::http::Failure::name;
  if (!answer) {
    out.findings = {{kRegistry, Mark::bad, answer.error().text, remedy_of_failure(failure)}};
    return out;
  }
  out.date = oci::http::parse_date(answer->headers.get("Date"));
  const bool speaks = answer->status == 200 || answer->status == 401;
  const std::string seen = fmt::format("{} answers {}{}", answer->url->origin(), answer->status,
                                       answer->status == 401 ? ", it wants to know who asks" : "");
  out.findings.push_back(
      {kRegistry, speaks ? Mark::good : Mark::bad, seen,
       speaks ? Remedy{} : advice(Reason::registry, "This is no registry: check host and port.")});
  if (speaks && !host_only)
    out.findings.push_back(check_manifest(client, reference->registry, files));
  return out;
}

Finding check_spool(const std::string& path) {
  const Remedy volume = advice(
      Reason::scheduler, "Mount the volume that whoever submits shares, writable to this user.");
  const Result<spool::Folder> folder = spool::Folder::open(path, spool::Create::no);
  if (!folder && folder.error().fault != Fault::not_found)
    return {kScheduler, Mark::bad, folder.error().text, volume};
  // A pilot makes the last folder, if it must.
  const std::string there =
      ::access(path.c_str(), F_OK) == 0 ? path : path.substr(0, path.rfind('/') + 1);
  if (::access(there.c_str(), W_OK | X_OK) != 0)
    return {kScheduler, Mark::bad, sys_error(there).text, volume};
  if (!folder)
    return {kScheduler, Mark::good, path + ": becomes a spool with its first job or pilot"};
  if (::access(folder->path().c_str(), W_OK | X_OK) != 0)
    return {kScheduler, Mark::bad, sys_error(folder->path()).text, volume};
  if (const auto newer = folder->newer_format())
    return {kScheduler, Mark::note,
            fmt::format("{}: a spool, and beside it one of format {}, of a newer podpilot", path,
                        *newer)};
  return {kScheduler, Mark::good, path + ": a spool, writable"};
}

Finding check_collector(const htcondor::Sinful& collector, const htcondor::TokenSource& tokens) {
  const UniqueFd never(::eventfd(0, EFD_CLOEXEC));
  htcondor::Security security(tokens, {});
  // What a pilot does first, and what needs the token's rights.
  const Result<htcondor::Stream> session = security.fresh_command(
      collector, htcondor::Command::update_startd_ad, Deadline::after(kPatience), never);
  if (session)
    return {kScheduler, Mark::good,
            brief(collector) + ": a collector, takes the token, lets us advertise"};
  const bool refused = session.error().fault == Fault::denied;
  return {
      kScheduler, Mark::bad, session.error().text,
      advice(Reason::scheduler,
             refused ? "Ask the pool's administrator for a token with ADVERTISE_STARTD and READ "
                       "(--token-file)."
                     : "Check the collector's name and port, and the cluster's network "
                       "policies: port 9618 must be open to the outside.")};
}

}  // namespace podpilot::agent
