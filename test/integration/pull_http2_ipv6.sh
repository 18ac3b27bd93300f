#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A registry behind a server that speaks HTTP/2: everything comes by it, over no more
# connections than layers are pulled at once, also where the server ends its
# connections after a few requests; and one that has an IPv6 address only.
# shellcheck source=test/integration/lib_network.sh
. "$(dirname "$0")/lib_network.sh" || exit
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs nginx
start_registry
for layer in 1 2 3 4 5 6; do
  mkdir -p "$tmp/layer/$layer"
  head -c 300000 /dev/urandom >"$tmp/layer/$layer/data"
  make_layer "$tmp/$layer.tar" "$tmp/layer/$layer"
done
make_image "$tmp/image" gzip "$tmp"/[1-6].tar
push "$tmp/image" tool:1
make_certificate "$tmp/front" DNS:registry.test,IP:::1
own_names '192.0.2.1 registry.test'
trusting=SSL_CERT_FILE=$tmp/front.pem

all_by_http2() { # REQUESTS AT LEAST
  expect_no_grep ' HTTP/1' "$tmp/nginx.access"
  local count
  count=$(grep -c ' HTTP/2.0 200 GET ' "$tmp/nginx.access")
  ((count >= $1)) || fail "$count requests: $(<"$tmp/nginx.access")"
}

start_nginx '192.0.2.1:443 ssl http2'
expect_exit 0 pull_with "$trusting" registry.test/tool:1
all_by_http2 8
expect_whole_cache
connections=$(awk '{print $NF}' "$tmp/nginx.access" | sort -u | wc -l)
((connections <= $(nproc) && connections <= 4)) || fail "$connections connections for one image"
stop_nginx

# GOAWAY after every second request.
start_nginx '[::1]:5443 ssl http2' 'keepalive_requests 2;'
cache=$tmp/work/2
expect_exit 0 pull_with "$trusting" '[::1]:5443/tool:1'
all_by_http2 8
expect_whole_cache
expect_error image-not-found 'https://[::1]:5443' pull_with "$trusting" '[::1]:5443/none:1'
