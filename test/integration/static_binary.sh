#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The program runs in any image: it needs no interpreter and no shared object, and holds nothing
# that would load one. It is position independent, its relocations are read-only, and it does not
# tell where it was built.
set -euo pipefail

fail() {
  echo "$*" >&2
  exit 1
}

segments=$(readelf --wide --segments "$PODPILOT")
dynamic=$(readelf --wide --dynamic "$PODPILOT")
[[ $segments != *INTERP* ]] || fail "asks for an interpreter"
[[ $dynamic != *NEEDED* ]] || fail "needs a shared object"
[[ $dynamic != *TEXTREL* ]] || fail "has relocations in its code"
[[ $dynamic == *'Flags: NOW PIE'* ]] || fail "is not position independent with immediate binding"
[[ $segments == *GNU_RELRO* ]] || fail "has no read-only relocations"
[[ $segments =~ GNU_STACK[^$'\n']*\ RW\  ]] || fail "has an executable stack"

file=$PODPILOT
[[ ! -e $PODPILOT.debug ]] || file=$PODPILOT.debug
symbols=$(nm --defined-only "$file")
[[ $symbols == *' main'$'\n'* ]] || fail "its symbols cannot be read"
for name in getaddrinfo getpwnam getpwuid_r gethostbyname __nss_module_load; do
  [[ ! $symbols =~ \ [tTwW]\ $name($'\n'|$) ]] || fail "contains $name"
done

if [[ $PODPILOT_BUILD == */release ]] && grep -qaP "(?<![.\w])\Q$PODPILOT_SOURCE/\E" "$PODPILOT"; then
  fail "contains the path of its source"
fi
