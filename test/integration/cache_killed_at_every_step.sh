#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: long
# ctest: timeout 900
# As cache_killed.sh, at each call.
exec bash "$(dirname "$0")/cache_killed.sh" 1
