// SPDX-License-Identifier: Apache-2.0
// docker_send_credentials: what its owner's docker knows goes with a job to its node. Pure.
#pragma once

#include "agent/scheduler/htcondor/classad/ad.h"
#include "oci/http/secret.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// The job asks for it, and its shadow knows the call. One that does not, before HTCondor 24.7,
// would never answer.
bool sends_docker_login(const Ad& job);

// The docker config.json that the shadow's ad (Shadow::docker_credentials) was made of, as far as
// registries and who we are to them go.
Result<oci::Secret> docker_config(const Ad& login);

}  // namespace podpilot::agent::htcondor
