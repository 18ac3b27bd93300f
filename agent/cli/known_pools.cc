// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/known_pools.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace podpilot::agent {
namespace {

// As OSPool's pilot container has them: github.com/opensciencegrid/osgvo-docker-pilot,
// 10-setup-htcondor.sh.
struct Row {
  std::array<std::string_view, 2> names;
  std::array<std::string_view, 2> collectors;
  std::array<std::string_view, 2> brokers;
  std::string_view daemon;  // of those behind a shared port; its number follows
  unsigned first;
  unsigned count;
  bool for_collectors;  // pilots advertise to such a daemon, too
  std::string_view start;
};

constexpr Row kRows[] = {
    {{"ospool", "prod-ospool"},
     {"cm-1.ospool.osg-htc.org", "cm-2.ospool.osg-htc.org"},
     {"ccb-1.ospool.osg-htc.org", "ccb-2.ospool.osg-htc.org"},
     "collector",
     1,
     10,
     true,
     "TARGET.ITB_Sites =!= true"},
    {{"itb-ospool"},
     {"cm-1.ospool-itb.osg-htc.org", "cm-2.ospool-itb.osg-htc.org"},
     {"ccb-1.ospool-itb.osg-htc.org", "ccb-2.ospool-itb.osg-htc.org"},
     "collector",
     1,
     10,
     true,
     "TARGET.ITB_Sites =?= true"},
    {{"prod-path-facility"},
     {"cm-1.facility.path-cc.io", "cm-2.facility.path-cc.io"},
     {"cm-1.facility.path-cc.io", "cm-2.facility.path-cc.io"},
     "collector",
     9620,
     5,
     false,
     ""},
    {{"dev-path-facility"},
     {"htcondor-cm-path.osgdev.chtc.io", "htcondor-cm-path.osg-dev.river.chtc.io"},
     {"htcondor-cm-path.osgdev.chtc.io", "htcondor-cm-path.osg-dev.river.chtc.io"},
     "collector",
     9620,
     5,
     false,
     ""},
};

std::string list(const std::array<std::string_view, 2>& hosts, std::string_view suffix) {
  return fmt::format("{}{},{}{}", hosts[0], suffix, hosts[1], suffix);
}

}  // namespace

std::optional<KnownPool> known_pool(std::string_view name, std::uint64_t random) {
  const auto* row = std::ranges::find_if(
      kRows, [&](const Row& r) { return std::ranges::find(r.names, name) != r.names.end(); });
  if (row == std::end(kRows) || name.empty()) return std::nullopt;
  const std::string suffix =
      fmt::format("?sock={}{}", row->daemon, row->first + random % row->count);
  return KnownPool{list(row->collectors, row->for_collectors ? suffix : ""),
                   list(row->brokers, suffix), std::string(row->start)};
}

}  // namespace podpilot::agent
