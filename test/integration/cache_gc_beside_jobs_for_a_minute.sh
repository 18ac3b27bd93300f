#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: long
# ctest: timeout 300
# As cache_gc_beside_jobs.sh, for longer.
exec bash "$(dirname "$0")/cache_gc_beside_jobs.sh" 60
