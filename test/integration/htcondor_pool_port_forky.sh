#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The test htcondor_pool_port with a newer HTCondor.
export POOL_SUITE=forky
# shellcheck source=test/integration/htcondor_pool_port.sh
. "$(dirname "$0")/htcondor_pool_port.sh"
