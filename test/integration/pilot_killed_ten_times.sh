#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: long
# ctest: timeout 300
# As pilot_killed.sh, ten times each.
exec bash "$(dirname "$0")/pilot_killed.sh" 10
