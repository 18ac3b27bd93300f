#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Where the pod's own root shows the images, a pilot believes nothing that is below "/" after its
# first job: names, certificate authorities and credentials are those of the pod before it.
# shellcheck disable=SC2034  # of lib_pod.sh
pod_env=(DOCKER_CONFIG=/etc/docker SSL_CERT_FILE=/etc/authorities.pem)
# shellcheck source=test/integration/lib_pod.sh
. "$(dirname "$0")/lib_pod.sh" || exit
needs strace
readonly host=registry.pod.test

# A registry behind all three: its name is known to the pod's name server, its certificate to the
# pod's own authorities, its password to the pod's config.json.
make_certificate "$tmp/tls" "DNS:$host,IP:127.0.0.1"
head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$tmp/password"
htpasswd -Bbn flyer "$(<"$tmp/password")" >"$tmp/htpasswd"
REGISTRY_AUTH=htpasswd REGISTRY_AUTH_HTPASSWD_REALM=test \
  REGISTRY_AUTH_HTPASSWD_PATH=$tmp/htpasswd REGISTRY_HTTP_TLS_CERTIFICATE=$tmp/tls.pem \
  REGISTRY_HTTP_TLS_KEY=$tmp/tls.key registry_start "$tmp/registry"
registry=$registry_host
push_options=(--dest-creds "flyer:$(<"$tmp/password")")
image_host=$host:${registry##*:}
# An address of this test alone.
start_fake name_server.py "127.53.$((RANDOM % 256)).$((RANDOM % 254 + 1))" "$host" 127.0.0.1

mkdir "$pod/etc/docker"
cp "$tmp/tls.pem" "$pod/etc/authorities.pem"
printf 'nameserver %s\noptions timeout:1 attempts:2\n' "$fake" >"$pod/etc/resolv.conf"
printf '127.0.0.1 localhost\n' >"$pod/etc/hosts"
jq -n --arg host "$image_host" --arg auth "$(printf 'flyer:%s' "$(<"$tmp/password")" | base64 -w 0)" \
  '{auths: {($host): {auth: $auth}}}' >"$pod/etc/docker/config.json"

# Everything that a pull may look at, such that it would fail, hang or go elsewhere.
readonly poisoned=(
  etc/resolv.conf etc/hosts etc/localtime etc/nsswitch.conf etc/host.conf etc/svc.conf etc/netsvc.conf
  etc/authorities.pem etc/ssl/certs/ca-certificates.crt etc/pki/tls/certs/ca-bundle.crt
  etc/ssl/cert.pem etc/ssl/ca-bundle.pem usr/lib/ssl/cert.pem etc/ssl/openssl.cnf
  usr/lib/ssl/openssl.cnf usr/share/zoneinfo/UTC etc/docker/config.json root/.docker/config.json bin/sh
  bin/docker-credential-evil usr/bin/docker-credential-evil
)
make_certificate "$tmp/other" "DNS:$host"
poison() { # FILE
  case $1 in
    etc/resolv.conf) printf 'nameserver 127.0.0.1:1\n' ;;
    etc/hosts) printf '127.0.0.66 %s\n' "$host" ;;
    *.conf) printf 'hosts: files\norder hosts\n' ;;
    *.pem | *.crt) cat "$tmp/other.pem" ;;
    *.cnf) printf 'openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMaxProtocol = TLSv1.1\n' ;;
    *.json) printf '{"auths": {"%s": {"auth": "Zmx5ZXI6ZXZpbA=="}}, "credsStore": "evil"}\n' "$image_host" ;;
    *) printf '#!/bin/busybox sh\necho x >/tmp/was-run\n' ;;
  esac
}
busybox_image
push "$cached" good:1
for tag in {2..4}; do
  cp -a "$cached" "$tmp/good"
  umoci config --image "$tmp/good:image" --config.label "tag=$tag"
  push "$tmp/good" "good:$tag"
  rm -rf "$tmp/good"
done
for file in "${poisoned[@]}"; do
  mkdir -p "$tmp/poison/$(dirname "$file")"
  poison "$file" >"$tmp/poison/$file"
  chmod 755 "$tmp/poison/$file"
done
# And a payload that leaves what it can of it.
cat >"$tmp/poison/bin/leave" <<END
#!/bin/busybox sh
for file in ${poisoned[@]}; do cp -f "/pod/live/\$file" "/\$file" 2>/dev/null; done
echo second
END
chmod 755 "$tmp/poison/bin/leave"
make_image "$tmp/evil" gzip "$(busybox_layer && echo "$cached")" "$tmp/poison" -- --config.env PATH=/bin
push "$tmp/evil" evil:1

# A pilot whose own files a job would decide over refuses, before it has touched any of them.
# shellcheck disable=SC2016
expect_error sandbox-unavailable "/var/cache lies where jobs would see their image" in_pod_podpilot \
  run -q --sandbox transplant --cache /var/cache "docker://$image_host/good:1" true

# The pilot, watched.
spool=$pod/pod/spool
mkdir "$spool"
chown 1000 "$spool"
in_pod strace -f -q -o "$tmp/trace" -e trace=file "${as_pod_user[@]}" /podpilot pilot \
  --scheduler spool:/pod/spool --cache /pod/cache --sandbox transplant >"$tmp/pilot.log" 2>&1 &
pod_process=$!
submit_in_pod() { # IMAGE COMMAND...
  jq -cn --arg image "docker://$image_host/$1" '{image: $image, command: $ARGS.positional}' \
    --args "${@:2}" | setpriv --reuid 1000 --regid 1000 --clear-groups "$program" submit "$spool" -
}
ended() { # ID
  [[ $(job_field "$1" .state) =~ ^(done|failed)$ ]]
}
expect_done() { # ID OUTPUT
  wait_for 60 ended "$1"
  expect_equal "$(job_field "$1" '"\(.state) \(.slug)"')" 'done null' "$(job_field "$1" tojson)"
  expect_equal "$(<"$(job_field "$1" .stdout)")" "$2" "$(job_field "$1" tojson) $(tail "$(job_field "$1" .stderr)")"
}

job=$(submit_in_pod good:1 echo first)
expect_done "$job" first
job=$(submit_in_pod evil:1 leave)
expect_done "$job" second
asked=$(grep -c "^asked $host" "$tmp/name_server.log")
job=$(submit_in_pod good:2 echo third)
expect_done "$job" third

# As if nothing of it had been cleaned up: all of the root is the image's.
cp -a "$tmp/poison" "$pod/pod/evil"
ln -sfn /pod/evil "$pod/pod/live"
cp -a "$tmp/poison/etc/." "$pod/etc/" && chmod 1777 "$pod/etc"
expect_grep "127.0.0.66 $host" "$pod/etc/hosts"
job=$(submit_in_pod good:3 echo fourth)
expect_done "$job" fourth

# And such that whoever opens one of them waits for ever.
for file in "${poisoned[@]}"; do
  case $file in
    etc/*) rm "$pod/$file" && mkfifo "$pod/$file" ;;
    *) rm "$pod/pod/evil/$file" && mkfifo "$pod/pod/evil/$file" ;;
  esac
done
ln -sfn /pod/evil "$pod/pod/live"
job=$(submit_in_pod good:4 echo fifth)
expect_done "$job" fifth
if [[ -e $pod/tmp/was-run ]]; then fail "a program of the image was run"; fi
# It was the pod's name server that was asked each time.
(($(grep -c "^asked $host" "$tmp/name_server.log") > asked)) || fail "the pod's name server was not asked"

# From one pull's first call to its last nobody resolves a path that an image could have made.
podpilot_in() { # PID: its first descendant that is podpilot
  local pid=$1
  until [[ $(<"/proc/$pid/comm") == podpilot ]]; do pid=$(pgrep -o -P "$pid") || return; done
  echo "$pid"
}
kill -TERM "$(podpilot_in "$pod_process")"
wait "$pod_process" || fail "the pilot ended with $?"
expect_grep 'pilot ends' "$tmp/pilot.log"
awk '/execve\("\/proc\/self\/exe", \["podpilot", "pull"/ { pulls++; pid = $1; held = "" }
  pulls > 1 && pid { held = held $0 "\n" }
  $1 == pid && /exited with|killed by/ { pid = ""; next }
  $1 == pid { printf "%s", held; held = "" }' "$tmp/trace" >"$tmp/pulls"
expect_equal "$(grep -c '"podpilot", "pull"' "$tmp/pulls")" 4 "pulls after the first"
sed -nE 's|^[0-9]+ +[a-z0-9]+\(([A-Z0-9_]+, )?"(/[^"]*)".*|\2|p' "$tmp/pulls" | sort -u >"$tmp/resolved"
expect_grep '^/pod/cache$' "$tmp/resolved"
own='pod|pod/spool|pod/cache(/scratch(/pilot-[0-9a-f]+(/job-[0-9]+)?)?)?'
expect_equal "$(grep -vE "^/($own|(proc|sys|dev)/.*)\$" "$tmp/resolved")" "" \
  "resolved while a pull runs"
