#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The test htcondor_killed with a newer HTCondor.
# ctest: long
export POOL_SUITE=forky
# shellcheck source=test/integration/htcondor_killed.sh
. "$(dirname "$0")/htcondor_killed.sh"
