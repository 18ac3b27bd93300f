// SPDX-License-Identifier: Apache-2.0
// Files below test/golden/htcondor: what real daemons and tools of HTCondor wrote.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "agent/scheduler/htcondor/classad/text.h"
#include "sandbox/base/io.h"
#include "sandbox/base/text.h"

namespace podpilot::test {

inline std::string golden(const std::string& name) {
  const char* source = std::getenv("PODPILOT_SOURCE");
  return read_file((source ? std::string(source) : ".") + "/test/golden/htcondor/" + name, 1 << 20)
      .value();
}

inline agent::htcondor::Ad golden_ad(const std::string& name) {
  return agent::htcondor::parse_ad(golden(name)).value();
}

// Lines of two columns between tabs, without comments.
struct Row {
  std::string left, right;
};
inline std::vector<Row> golden_rows(const std::string& name) {
  std::vector<Row> rows;
  const std::string text = golden(name);
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos || line[0] == '#') continue;
    rows.push_back({std::string(line.substr(0, tab)), std::string(line.substr(tab + 1))});
  }
  return rows;
}

}  // namespace podpilot::test
