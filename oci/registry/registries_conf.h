// SPDX-License-Identifier: Apache-2.0
// Where an image may be had instead: the registries.conf that podman, skopeo and CRI-O read
// (containers-registries.conf(5), version 2). Of it: [[registry]] with prefix, location, insecure,
// blocked, mirror-by-digest-only, and its mirrors with location, insecure, pull-from-mirror. Short
// names are docker's, whatever it says of them. Drop-in files: containers-registries.conf.d(5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oci/reference.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// A place to ask for an image.
struct Endpoint {
  RegistryReference at;
  bool plain_http = false;  // may be, where there is no TLS
};

class RegistriesConf {
 public:
  // Fault::invalid with the line for what is no TOML or has wrong types; Fault::unsupported for
  // version 1.
  static Result<RegistriesConf> parse(std::string_view toml);

  // What a drop-in file says of a prefix counts instead.
  void override_with(RegistriesConf drop_in);

  // In the order in which they are to be asked, mirrors before the registry itself. Fault::denied
  // for an image of a registry that is blocked.
  Result<std::vector<Endpoint>> endpoints(const RegistryReference& image) const;

 private:
  struct Location {
    std::string name;  // HOST[:PORT][/PATH]
    bool insecure = false;
  };
  struct Mirror {
    Location location;
    bool for_tags = true;
    bool for_digests = true;
  };
  struct Rule {
    std::string prefix;  // "HOST[:PORT][/PATH]" or "*.DOMAIN"
    Location location;   // name "": the image's own
    bool blocked = false;
    std::vector<Mirror> mirrors;
  };
  friend class RegistriesReader;

  const Rule* rule_of(const std::string& name) const;
  std::vector<Rule> rules_;
};

struct RegistriesFiles {
  std::vector<std::string> main;      // the first of these that is there
  std::vector<std::string> drop_ins;  // all of them, a later one over those before
};

// $CONTAINERS_REGISTRIES_CONF alone; else registries.conf in $HOME/.config/containers with *.conf
// in registries.conf.d beside it; without that file the one in /etc/containers, and *.conf in
// registries.conf.d beside both.
RegistriesFiles default_registries_files();

// Out of these (config_files.h). Without any: no rules.
Result<RegistriesConf> load_registries(const RegistriesFiles& files);

}  // namespace podpilot::oci
