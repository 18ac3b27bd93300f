#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The test htcondor_retirement with a newer HTCondor.
# ctest: long
# ctest: timeout 200
export POOL_SUITE=forky
# shellcheck source=test/integration/htcondor_retirement.sh
. "$(dirname "$0")/htcondor_retirement.sh"
