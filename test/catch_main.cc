// SPDX-License-Identifier: Apache-2.0
//
// main() of the Catch2 programs. v2 is compiled here, once for all of them; v3 links a library.
#define CATCH_CONFIG_MAIN
#include "test/catch.h"
