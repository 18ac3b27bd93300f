#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: timeout 1200
# podpilot in pods of every kind, made by runc.
# shellcheck source=test/pods/all_pods.sh
. "$(dirname "$0")/../pods/all_pods.sh" || exit
needs root
in_own_mounts "$0" "$@"
all_pods runc
