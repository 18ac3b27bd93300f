#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# HTTPS_PROXY, HTTP_PROXY and NO_PROXY with a real proxy, which is all that leads to the registry: what is
# https passes it closed, the login too; a proxy that refuses is named.
# shellcheck source=test/integration/lib_network.sh
. "$(dirname "$0")/lib_network.sh" || exit
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs nginx tinyproxy strace
start_registry htpasswd
busybox_image
push "$cached" tool:1
make_certificate "$tmp/front" DNS:registry.test
own_names '192.0.2.1 registry.test'
start_nginx '192.0.2.1:443 ssl http2'
basic=$(printf 'flyer:%s' "$(<"$tmp/password")" | base64 -w 0)
jq -n --arg auth "$basic" '{auths: {"registry.test": {auth: $auth}}}' >"$tmp/config.json"
give_user "$tmp/config.json"
cat >"$tmp/registries.conf" <<'END'
[[registry]]
location = "registry.test"
insecure = true
END

cat >"$tmp/tinyproxy.conf" <<END
Port 8888
Listen 127.0.0.1
Bind 192.0.2.2
LogFile "$tmp/tinyproxy.log"
LogLevel Connect
BasicAuth pilot opensesame
ConnectPort 443
END
# The trace is what the proxy can see.
strace -f -qq -s 4000 -e trace=read,recvfrom -o "$tmp/seen" tinyproxy -d -c "$tmp/tinyproxy.conf" >"$tmp/tinyproxy.err" 2>&1 &
wait_for 20 bash -c ': </dev/tcp/127.0.0.1/8888' 2>/dev/null
proxy=http://pilot:opensesame@127.0.0.1:8888
trusting=SSL_CERT_FILE=$tmp/front.pem

came_from() { # ADDRESS: all that the registry was asked since; forgets it
  expect_grep "^$1 HTTP/[12].[01] 200 GET /v2/tool/blobs/" "$tmp/nginx.access"
  if grep -v "^$1 " "$tmp/nginx.access"; then fail "not all came from $1"; fi
  : >"$tmp/nginx.access"
  rm -rf "$cache"
  mkdir "$cache"
  give_user "$cache"
}
with_login() { pull_with "$trusting" "$@"; }
image=(--registry-config "$tmp/config.json" registry.test/tool:1)

for name in HTTPS_PROXY https_proxy ALL_PROXY; do
  expect_exit 0 with_login "$name=$proxy" "${image[@]}"
  came_from 192.0.2.2
done
expect_grep 'CONNECT registry.test:443' "$tmp/seen"
expect_no_grep "$basic|$(<"$tmp/password")|GET /v2|Docker" "$tmp/seen"

for direct in registry.test .test 'other.example, registry.test' '*'; do
  expect_exit 0 with_login "HTTPS_PROXY=$proxy" "NO_PROXY=$direct" "${image[@]}"
  came_from 192.0.2.1
done
expect_exit 0 with_login "HTTPS_PROXY=$proxy" NO_PROXY=gistry.test "${image[@]}"
came_from 192.0.2.2

# Plain http, where it is allowed, in the proxy's own words.
stop_nginx
start_nginx 192.0.2.1:80
for name in HTTP_PROXY http_proxy; do
  expect_exit 0 with_login "$name=$proxy" --registries-conf "$tmp/registries.conf" "${image[@]}"
  came_from 192.0.2.2
done
expect_grep 'GET http://registry.test/v2/tool/manifests/1' "$tmp/seen"

# What a proxy that is not to our liking is called, and its password never.
expect_error image-denied 'proxy' with_login "HTTPS_PROXY=${proxy/opensesame/wrong}" "${image[@]}"
expect_no_grep 'wrong|opensesame' "$err"
