#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The test htcondor_many with a newer HTCondor.
# ctest: long
# ctest: timeout 600
export POOL_SUITE=forky
# shellcheck source=test/integration/htcondor_many.sh
. "$(dirname "$0")/htcondor_many.sh"
