// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/known_pools.h"

#include "agent/scheduler/htcondor/cedar/sinful.h"
#include "test/catch.h"

using namespace podpilot::agent;

TEST_CASE("pools with a short name", "[agent][known_pools]") {
  const auto hosts = [](std::string_view name, std::uint64_t random) {
    const auto known = known_pool(name, random);
    return known ? known->collectors + " " + known->brokers : "";
  };
  CHECK(hosts("ospool", 0) ==
        "cm-1.ospool.osg-htc.org?sock=collector1,cm-2.ospool.osg-htc.org?sock=collector1 "
        "ccb-1.ospool.osg-htc.org?sock=collector1,ccb-2.ospool.osg-htc.org?sock=collector1");
  CHECK(hosts("prod-ospool", 19) == hosts("ospool", 9));
  CHECK(known_pool("prod-ospool", 0)->start == "TARGET.ITB_Sites =!= true");
  CHECK(known_pool("itb-ospool", 0)->start == "TARGET.ITB_Sites =?= true");
  CHECK(known_pool("prod-path-facility", 0)->start.empty());
  CHECK(hosts("itb-ospool", 9).find("cm-2.ospool-itb.osg-htc.org?sock=collector10 ") !=
        std::string::npos);
  CHECK(hosts("prod-path-facility", 4) ==
        "cm-1.facility.path-cc.io,cm-2.facility.path-cc.io "
        "cm-1.facility.path-cc.io?sock=collector9624,cm-2.facility.path-cc.io?sock=collector9624");
  CHECK(hosts("dev-path-facility", 5).ends_with("?sock=collector9620"));
  CHECK(hosts("pool.example.org", 0).empty());
  CHECK(hosts("", 0).empty());
  for (const char* name : {"ospool", "itb-ospool", "prod-path-facility", "dev-path-facility"}) {
    CHECK(htcondor::parse_sinful_list(known_pool(name, 7)->collectors));
    CHECK(htcondor::parse_sinful_list(known_pool(name, 7)->brokers));
  }
}
