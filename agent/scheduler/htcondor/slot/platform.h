// SPDX-License-Identifier: Apache-2.0
// What machine ads say of processor, kernel and distribution.
#pragma once

#include <string_view>

#include "agent/scheduler/htcondor/classad/ad.h"

namespace podpilot::agent::htcondor {

// `arch` and `kernel_release` as uname(2) has them; `os_release` is the text of os-release(5). A
// distribution that does not say its name or version is not guessed.
void set_platform(Ad& ad, std::string_view arch, std::string_view kernel_release,
                  std::string_view os_release);

}  // namespace podpilot::agent::htcondor
