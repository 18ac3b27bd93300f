#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The test htcondor_fleet with a newer HTCondor.
# ctest: long
# ctest: timeout 900
export POOL_SUITE=forky
# shellcheck source=test/integration/htcondor_fleet.sh
. "$(dirname "$0")/htcondor_fleet.sh"
