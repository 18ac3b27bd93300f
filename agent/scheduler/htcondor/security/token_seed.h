// SPDX-License-Identifier: Apache-2.0
// A number that both sides of HTCondor's TOKEN method must have: it is part of the protocol. It is
// the first one of Condor_Auth_Passwd::setup_seed in condor_io/condor_auth_passwd.cpp of HTCondor
// (https://github.com/htcondor/htcondor), Copyright (C) 1990-2007 Condor Team, Computer Sciences
// Department, University of Wisconsin-Madison, under the Apache License, Version 2.0. The second
// one there is for session keys from before ECDH.
#pragma once

#include <array>

namespace podpilot::agent::htcondor {

// clang-format off
inline constexpr std::array<unsigned char, 256> kTokenSeedA = {
     62,  74,  80,  32,  71, 213, 244, 229, 220, 124, 105, 187,  82,  16, 203, 182,
     22, 122, 221, 128, 132, 247, 221, 158, 243, 173,  44, 202, 113, 210, 131, 221,
     17,  74,  79, 187, 123,  30, 233,  10, 223, 168,  98, 196,  67,   4, 222,  84,
    115, 163,  23,  47, 115,  92,  44, 187, 110, 119,  91,  93,  64, 211, 159, 172,
    232, 115,  24,  37,  35, 249,  37,  43,  98,  59, 224, 212, 177, 103, 163, 168,
      4,  12, 172, 254, 233, 238,  61, 160,  44,  10, 187, 244, 217, 216, 177,  31,
    137,   0,  76, 148,  57,  35, 206,  93, 149,   8, 187,  63,   4, 188, 102, 163,
    250,  32, 161,  58,  65, 108,  94, 111,  78,  13,  49, 135, 212,  95, 199, 131,
     53, 197, 228, 133, 219,  44,  90,  55,  23, 151,  12, 194, 110, 123, 107, 157,
     25, 101, 180, 122, 103, 223, 119, 163,  31,  34, 240, 138, 108,  11, 165, 112,
    151, 162,  26, 156, 167, 198,   4,  36, 247,  39,  57, 171,  92, 185,  21, 164,
     24,  91, 209,   9, 130, 142,  53, 228,  33,   8, 171, 133,  28,   8, 163, 223,
    253, 224, 227, 176, 111,  61,  57,  56, 205, 173, 109, 246, 239, 154, 111, 109,
    194, 203, 116, 240,  34, 133,  18, 235, 122,  61, 104,  35,   1,   6, 132, 176,
     21, 193,  42, 195,   1,  76,  79, 159, 147, 142,  56,  77, 173,  30,  59, 215,
     69, 255, 140,  20,  31, 215,  11,  70,  91, 168, 175,  93,  27, 152, 180, 177,
};
// clang-format on

}  // namespace podpilot::agent::htcondor
