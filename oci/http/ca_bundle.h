// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace podpilot::oci {

// Mozilla's certificate authorities in PEM form, as they were when podpilot was built: the last
// resort where neither the configuration nor the pod's image names any. It ages, so whoever uses it
// says so in the log. Static storage.
std::string_view embedded_ca_bundle();

}  // namespace podpilot::oci
