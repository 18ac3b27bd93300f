#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# As many layers as docker allows, more than mount(2)'s page of options would hold by their paths.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_layer
make_many() { # LAYOUT LOWEST
  local i layers=("$2")
  for i in {1..126}; do
    mkdir -p "$1.$i"
    echo "$i" | tee "$1.$i/file-$i" >"$1.$i/last"
    layers+=("$1.$i")
  done
  make_image "$1" gzip "${layers[@]}" -- --config.env PATH=/bin
}
from_cache layers-127 make_many "$cached"
push "$cached" many:1

expect_exit 0 run "docker://$registry/many:1" sh -c 'cat /last; ls /file-* | wc -l; echo x >/last; cat /last'
expect_out $'126\n126\nx'
expect_exit 0 podpilot cache verify --json --cache "$cache"
expect_equal "$(jq .layers "$out")" 127 "stored layers"
