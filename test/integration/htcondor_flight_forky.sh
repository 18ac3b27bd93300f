#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The test htcondor_flight with a newer HTCondor.
# ctest: timeout 300
export POOL_SUITE=forky
# shellcheck source=test/integration/htcondor_flight.sh
. "$(dirname "$0")/htcondor_flight.sh"
