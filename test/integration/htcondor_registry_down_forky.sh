#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The test htcondor_registry_down with a newer HTCondor.
# ctest: long
# ctest: timeout 360
export POOL_SUITE=forky
# shellcheck source=test/integration/htcondor_registry_down.sh
. "$(dirname "$0")/htcondor_registry_down.sh"
