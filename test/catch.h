// SPDX-License-Identifier: Apache-2.0
//
// Catch2 under the name it has here: v2 on Debian 12, v3 on later releases. Tests include this and
// keep to what both have: TEST_CASE, SECTION, GENERATE, CHECK*, REQUIRE*, INFO, CAPTURE, FAIL.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
