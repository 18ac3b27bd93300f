#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The test htcondor_sigterm with a newer HTCondor.
# ctest: long
# ctest: timeout 240
export POOL_SUITE=forky
# shellcheck source=test/integration/htcondor_sigterm.sh
. "$(dirname "$0")/htcondor_sigterm.sh"
