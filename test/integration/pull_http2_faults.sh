#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# HTTP/2 that breaks in the middle of layers: streams that are reset for whatever reason, connections
# that end with a GOAWAY or without a word. Each layer goes on from where it was.
# shellcheck source=test/integration/lib_network.sh
. "$(dirname "$0")/lib_network.sh" || exit
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs nginx python3
start_registry
for layer in 1 2 3; do
  mkdir -p "$tmp/layer/$layer"
  head -c 1000000 /dev/urandom >"$tmp/layer/$layer/data"
  make_layer "$tmp/$layer.tar" "$tmp/layer/$layer"
done
make_image "$tmp/image" gzip "$tmp"/[1-3].tar
push "$tmp/image" tool:1
make_certificate "$tmp/front"
start_nginx '127.0.0.1:5443 ssl http2'
: >"$tmp/faults"
start_fake http2_faults.py 127.0.0.1:5443 "$tmp/front.pem" "$tmp/front.key" "$tmp/faults"

round=0
try() { # FAULT: pulls beside it into a cache of its own; `faults`: how often it struck
  round=$((round + 1))
  cache=$tmp/work/$round
  echo "$1" >"$tmp/faults"
  : >"$tmp/nginx.access"
  expect_exit 0 pull_with "SSL_CERT_FILE=$tmp/front.pem" "$fake/tool:1"
  faults=$(grep -c "^$1: after" "$tmp/http2_faults.log" || true)
  expect_whole_cache
}
# NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, ENHANCE_YOUR_CALM
for fault in 'reset 0' 'reset 2' 'reset 7' 'reset 11' 'goaway 11' 'cut'; do
  try "$fault 300000 x2"
  expect_equal "$faults" 2 "times of '$fault'"
  expect_grep ' HTTP/2.0 206 GET /v2/tool/blobs/' "$tmp/nginx.access"
  # Not again from the start: three layers, and what was under way on the connection.
  whole=$(grep -c ' HTTP/2.0 200 GET /v2/tool/blobs/' "$tmp/nginx.access")
  ((whole <= 4)) || fail "$whole whole blobs after '$fault': $(<"$tmp/nginx.access")"
done
