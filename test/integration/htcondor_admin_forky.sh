#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The test htcondor_admin with a newer HTCondor.
# ctest: long
# ctest: timeout 400
export POOL_SUITE=forky
# shellcheck source=test/integration/htcondor_admin.sh
. "$(dirname "$0")/htcondor_admin.sh"
