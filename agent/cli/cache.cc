// SPDX-License-Identifier: Apache-2.0
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/cli/cache_goal.h"
#include "agent/cli/commands.h"
#include "agent/cli/message.h"
#include "agent/cli/places.h"
#include "oci/store/gc.h"
#include "oci/store/store.h"
#include "oci/store/verify.h"
#include "sandbox/base/json.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

constexpr const char* kCommand = "cache";

Result<int> list(const oci::Store& store, bool as_json) {
  const std::vector<oci::StoredImage> images = TRY(oci::list_images(store.layout()));
  if (!as_json)
    fmt::print("{:<20} {:>10} {:>6}  {:<20} {}\n", "MANIFEST", "SIZE", "LAYERS", "LAST USED",
               "NAMES");
  for (const oci::StoredImage& image : images) {
    if (as_json) {
      const Json line = {{"manifest", image.manifest.str()},
                         {"size", image.size},
                         {"layers", image.diff_ids.size()},
                         {"last_used", image.last_used},
                         {"references", image.references}};
      fmt::print("{}\n", dump_json(line));
      continue;
    }
    std::string names;
    for (const std::string& name : image.references) names += printable(name) + " ";
    fmt::print("{:<20} {:>10} {:>6}  {:%Y-%m-%d %H:%M:%S}  {}\n",
               image.manifest.str().substr(0, 19), human_bytes(image.size), image.diff_ids.size(),
               fmt::gmtime(static_cast<std::time_t>(image.last_used)), names);
  }
  return 0;
}

Result<int> verify(const oci::Store& store, const Options& options) {
  const oci::Repair repair = options.has("remove") ? oci::Repair::remove_damaged : oci::Repair::no;
  const oci::VerifyReport report = TRY(oci::verify_store(store.layout(), repair));
  Json damaged = Json::array();
  for (const oci::DamagedLayer& layer : report.damaged) {
    damaged.push_back({{"diff_id", layer.diff_id.str()},
                       {"problems", layer.problems},
                       {"removed", layer.removed},
                       {"in_use", layer.in_use}});
    if (options.has("json")) continue;
    fmt::print("damaged {}{}\n", layer.diff_id.str(),
               layer.removed  ? " (removed)"
               : layer.in_use ? " (in use)"
                              : "");
    for (const std::string& problem : layer.problems) fmt::print("  {}\n", printable(problem));
  }
  if (options.has("json"))
    fmt::print("{}\n", dump_json({{"layers", report.layers},
                                  {"damaged", damaged},
                                  {"incomplete_images", report.incomplete_images.size()}}));
  else
    fmt::print("{} layers, {} damaged\n", report.layers, report.damaged.size());
  bool left = false;
  for (const oci::DamagedLayer& layer : report.damaged) left |= !layer.removed;
  return left ? 1 : 0;
}

Result<oci::GcGoal> gc_goal(const Options& options) {
  return cache_goal(options, "size", "free");
}

Result<int> make_room(const oci::Store& store, const Options& options) {
  const oci::GcGoal goal = TRY(gc_goal(options));
  const oci::GcReport report = TRY(oci::collect_garbage(store.layout(), goal));
  if (options.has("json"))
    fmt::print("{}\n", dump_json({{"bytes_before", report.bytes_before},
                                  {"bytes_after", report.bytes_after},
                                  {"images", report.images.size()},
                                  {"layers", report.layers},
                                  {"images_in_use", report.images_in_use}}));
  else
    fmt::print("removed {} images and {} layers: {} before, {} now\n", report.images.size(),
               report.layers, human_bytes(report.bytes_before), human_bytes(report.bytes_after));
  return 0;
}

Result<int> carry_out(const Options& options) {
  const std::string verb = options.arguments()[0];
  const oci::Store store = TRY(open_cache(options));
  const std::vector<int> newer = TRY(store.newer_formats());
  for (const int format : newer)
    fmt::print(stderr,
               "podpilot cache: a newer podpilot keeps images here too, in v{}; left alone\n",
               format);
  if (verb == "ls") return list(store, options.has("json"));
  if (verb == "verify") return verify(store, options);
  return make_room(store, options);
}

}  // namespace

int cache_command(const Options& options) {
  const std::string verb = options.arguments().empty() ? "" : options.arguments()[0];
  if (options.arguments().size() != 1 || (verb != "ls" && verb != "verify" && verb != "gc"))
    return report_usage(kCommand, {Fault::invalid, "ls, verify or gc? See podpilot cache --help"});
  if (verb == "gc" && !options.has("size") && !options.has("free"))
    return report_usage(
        kCommand,
        {Fault::invalid, "gc: how much may stay, or is to be free? Give --size or --free"});
  if (const Result<oci::GcGoal> goal = gc_goal(options); !goal)
    return report_usage(kCommand, goal.error());
  const Result<int> code = carry_out(options);
  return code ? *code : report_failure(kCommand, Origin::site, code.error());
}

}  // namespace podpilot::agent
