#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The test htcondor_two_users with a newer HTCondor.
# ctest: long
# ctest: timeout 240
export POOL_SUITE=forky
# shellcheck source=test/integration/htcondor_two_users.sh
. "$(dirname "$0")/htcondor_two_users.sh"
