# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing. Where this machine's packages come from, for roots of other suites.

# apt's sources name the mirror, in whatever form; without Debian's among them mmdebstrap has its own.
mirror() {
  # shellcheck disable=SC2016  # the fields are apt's
  apt-get indextargets --format '$(LABEL) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 == "main" { print $3; exit }'
}
