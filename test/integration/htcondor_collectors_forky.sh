#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The test htcondor_collectors with a newer HTCondor.
# ctest: long
# ctest: timeout 240
export POOL_SUITE=forky
# shellcheck source=test/integration/htcondor_collectors.sh
. "$(dirname "$0")/htcondor_collectors.sh"
