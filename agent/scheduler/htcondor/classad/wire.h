// SPDX-License-Identifier: Apache-2.0
// An ad inside a message: a count, so many "Name = expression" strings, two strings for the types
// (condor_utils/classad_oldnew.cpp).
#pragma once

#include "agent/scheduler/htcondor/cedar/message.h"
#include "agent/scheduler/htcondor/classad/ad.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// Secrets as plain strings: only on an encrypted stream.
void put_ad(MessageWriter& message, const Ad& ad);

// Reads lines that are announced as secret ("ZKM") like all others. At most kMaxAttributes
// attributes of kMaxExpression bytes. Fault::invalid for what is no ad.
Result<Ad> get_ad(MessageReader& message);

}  // namespace podpilot::agent::htcondor
