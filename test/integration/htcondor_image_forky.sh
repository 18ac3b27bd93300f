#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The test htcondor_image with a newer HTCondor.
# ctest: long
# ctest: timeout 300
export POOL_SUITE=forky
# shellcheck source=test/integration/htcondor_image.sh
. "$(dirname "$0")/htcondor_image.sh"
