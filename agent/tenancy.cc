// SPDX-License-Identifier: Apache-2.0
#include "agent/tenancy.h"

namespace podpilot::agent {

Ruling rule(const Tenancy& tenancy, const std::string& submitter, bool has_work) {
  if (!tenancy.one) return Ruling::accept;
  if (!submitter.empty() && tenancy.submitter.value_or(submitter) == submitter)
    return Ruling::accept;
  return has_work || !tenancy.submitter ? Ruling::refuse : Ruling::retire;
}

}  // namespace podpilot::agent
