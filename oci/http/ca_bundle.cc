// SPDX-License-Identifier: Apache-2.0
#include "oci/http/ca_bundle.h"

// PODPILOT_CA_BUNDLE is the file's path, from CMakeLists.txt, which also makes this file depend on
// it. The labels are local to the assembler's output except for the two declared below.
__asm__(
    ".pushsection .rodata\n"
    ".globl podpilot_ca_bundle_begin, podpilot_ca_bundle_end\n"
    ".hidden podpilot_ca_bundle_begin, podpilot_ca_bundle_end\n"
    "podpilot_ca_bundle_begin:\n"
    ".incbin \"" PODPILOT_CA_BUNDLE
    "\"\n"
    "podpilot_ca_bundle_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const char podpilot_ca_bundle_begin[];
extern const char podpilot_ca_bundle_end[];
}

namespace podpilot::oci {

std::string_view embedded_ca_bundle() {
  return {podpilot_ca_bundle_begin, podpilot_ca_bundle_end};
}

}  // namespace podpilot::oci
