// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/registries_conf.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "oci/registry/mirror.h"
#include "sandbox/base/config_files.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr std::size_t kMaxRules = 1000;
constexpr std::size_t kMaxMirrors = 16;  // of one registry

// How much of `name` is `prefix`, up to the end of a component; nothing if it is not.
std::optional<std::size_t> match(std::string_view prefix, std::string_view name) {
  if (prefix.starts_with("*.")) {  // any port
    const std::size_t host = std::min(name.find_first_of(":/"), name.size());
    const std::string_view domain = prefix.substr(1);
    if (!name.substr(0, host).ends_with(domain) || host == domain.size()) return std::nullopt;
    return host;
  }
  if (!name.starts_with(prefix)) return std::nullopt;
  if (name.size() > prefix.size() && name[prefix.size()] != '/') return std::nullopt;
  return prefix.size();
}

}  // namespace

// A document that parsed, into rules.
class RegistriesReader {
 public:
  static Result<RegistriesConf> read(const toml::table& top) {
    if (top.contains("registries"))
      return Error{Fault::unsupported,
                   "[registries.…] is version 1 of the format: write [[registry]]"};
    RegistriesConf out;
    const toml::node* list = top.get("registry");
    if (!list) return out;
    const toml::array* rules = list->as_array();
    if (!rules) return wrong("registry", *list, "a list of tables");
    if (rules->size() > kMaxRules)
      return Error{Fault::invalid, fmt::format("more than {} registries", kMaxRules)};
    for (const toml::node& node : *rules) {
      const toml::table* table = node.as_table();
      if (!table) return wrong("registry", node, "a table");
      RegistriesConf::Rule rule = TRY(read_rule(*table));
      out.rules_.push_back(std::move(rule));
    }
    return out;
  }

 private:
  static Error wrong(std::string_view key, const toml::node& node, std::string_view wanted) {
    return {Fault::invalid,
            fmt::format("line {}: {}: must be {}", node.source().begin.line, key, wanted)};
  }

  static Result<std::string> text(const toml::table& table, std::string_view key) {
    const toml::node* node = table.get(key);
    if (!node) return std::string();
    const auto* value = node->as_string();
    if (!value) return wrong(key, *node, "a text");
    std::string out = value->get();
    while (out.ends_with('/')) out.pop_back();
    return out;
  }

  static Result<bool> flag(const toml::table& table, std::string_view key) {
    const toml::node* node = table.get(key);
    if (!node) return false;
    const auto* value = node->as_boolean();
    if (!value) return wrong(key, *node, "true or false");
    return value->get();
  }

  static Result<RegistriesConf::Location> read_location(const toml::table& table) {
    RegistriesConf::Location out;
    out.name = TRY(text(table, "location"));
    out.insecure = TRY(flag(table, "insecure"));
    return out;
  }

  static Result<RegistriesConf::Mirror> read_mirror(const toml::table& table, bool digests_only) {
    RegistriesConf::Mirror out;
    out.location = TRY(read_location(table));
    if (out.location.name.empty()) return wrong("location", table, "where the mirror is");
    const std::string use = TRY(text(table, "pull-from-mirror"));
    if (!use.empty() && use != "all" && use != "digest-only" && use != "tag-only")
      return wrong("pull-from-mirror", table, "all, digest-only or tag-only");
    out.for_tags = use != "digest-only" && !digests_only;
    out.for_digests = use != "tag-only";
    return out;
  }

  static Result<RegistriesConf::Rule> read_rule(const toml::table& table) {
    RegistriesConf::Rule out;
    out.location = TRY(read_location(table));
    out.prefix = TRY(text(table, "prefix"));
    if (out.prefix.empty()) out.prefix = out.location.name;
    if (out.prefix.empty()) return wrong("registry", table, "of a prefix or location");
    if (out.prefix.starts_with("*.") && out.prefix.find('/') != std::string::npos)
      return wrong("prefix", table, "a host where it begins with *.");
    out.blocked = TRY(flag(table, "blocked"));
    const bool digests_only = TRY(flag(table, "mirror-by-digest-only"));
    const toml::node* list = table.get("mirror");
    if (!list) return out;
    const toml::array* mirrors = list->as_array();
    if (!mirrors) return wrong("mirror", *list, "a list of tables");
    if (mirrors->size() > kMaxMirrors)
      return Error{Fault::invalid,
                   fmt::format("{}: more than {} mirrors", printable(out.prefix), kMaxMirrors)};
    for (const toml::node& node : *mirrors) {
      const toml::table* one = node.as_table();
      if (!one) return wrong("mirror", node, "a table");
      RegistriesConf::Mirror mirror = TRY(read_mirror(*one, digests_only));
      out.mirrors.push_back(std::move(mirror));
    }
    return out;
  }
};

Result<RegistriesConf> RegistriesConf::parse(std::string_view toml) {
  try {
    return RegistriesReader::read(toml::parse(toml));
  } catch (const toml::parse_error& error) {
    return Error{Fault::invalid, fmt::format("line {}: {}", error.source().begin.line,
                                             printable(error.description()))};
  }
}

const RegistriesConf::Rule* RegistriesConf::rule_of(const std::string& name) const {
  const Rule* best = nullptr;
  for (const Rule& rule : rules_)
    if (match(rule.prefix, name) && (!best || rule.prefix.size() > best->prefix.size()))
      best = &rule;
  return best;
}

Result<std::vector<Endpoint>> RegistriesConf::endpoints(const RegistryReference& image) const {
  const std::string name = image.domain + "/" + image.repository;
  const Rule* rule = rule_of(name);
  if (!rule) return std::vector<Endpoint>{{image, false}};
  if (rule->blocked)
    return Error{Fault::denied,
                 fmt::format("{}: registries.conf blocks {}", name, printable(rule->prefix))};
  const std::string rest = name.substr(*match(rule->prefix, name));
  const auto moved = [&](const Location& to) -> Result<Endpoint> {
    RegistryReference at = TRY(at_location(image, to.name + rest));
    return Endpoint{std::move(at), to.insecure};
  };
  std::vector<Endpoint> out;
  for (const Mirror& mirror : rule->mirrors) {
    if (!(image.digest ? mirror.for_digests : mirror.for_tags)) continue;
    Endpoint endpoint = TRY(moved(mirror.location).within("registries.conf"));
    out.push_back(std::move(endpoint));
  }
  if (rule->location.name.empty()) {
    out.push_back({image, rule->location.insecure});
  } else {
    Endpoint endpoint = TRY(moved(rule->location).within("registries.conf"));
    out.push_back(std::move(endpoint));
  }
  return out;
}

void RegistriesConf::override_with(RegistriesConf drop_in) {
  for (Rule& rule : drop_in.rules_) {
    const auto same = std::ranges::find(rules_, rule.prefix, &Rule::prefix);
    if (same == rules_.end())
      rules_.push_back(std::move(rule));
    else
      *same = std::move(rule);
  }
}

RegistriesFiles default_registries_files() {
  if (const char* file = std::getenv("CONTAINERS_REGISTRIES_CONF"); file && *file)
    return {{file}, {}};
  const char* home = std::getenv("HOME");
  const std::string own = home && *home ? std::string(home) + "/.config/containers" : "";
  const std::string system = "/etc/containers";
  RegistriesFiles out;
  const auto add_drop_ins = [&out](const std::string& folder) {
    for (const std::string& name : config_file_names(folder))
      if (name.ends_with(".conf")) out.drop_ins.push_back(folder + "/" + name);
  };
  const bool has_own =
      !own.empty() && std::ranges::count(config_file_names(own), "registries.conf") > 0;
  if (!own.empty()) out.main.push_back(own + "/registries.conf");
  out.main.push_back(system + "/registries.conf");
  if (!has_own) add_drop_ins(system + "/registries.conf.d");
  if (!own.empty()) add_drop_ins(own + "/registries.conf.d");
  return out;
}

Result<RegistriesConf> load_registries(const RegistriesFiles& files) {
  RegistriesConf out;
  // False: it is not there.
  const auto add = [&out](const std::string& file) -> Result<bool> {
    const Result<std::string> text = read_config_file(file, kMaxFileBytes);
    if (!text && text.error().fault == Fault::not_found) return false;
    if (!text) return text.error();
    RegistriesConf conf = TRY(RegistriesConf::parse(*text).within(file));
    out.override_with(std::move(conf));
    return true;
  };
  for (const std::string& file : files.main) {
    const bool found = TRY(add(file));
    if (found) break;
  }
  for (const std::string& file : files.drop_ins)
    if (const Result<bool> added = add(file); !added) return added.error();
  return out;
}

}  // namespace podpilot::oci
