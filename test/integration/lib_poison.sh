# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing instead of lib_pod.sh: a registry that only the pod's own name server, authorities and
# credentials lead to, good:1 to good:4 in it, and evil:1, whose `leave` leaves everything that could make
# the next pull fail, hang or go elsewhere.
# shellcheck disable=SC2034  # of lib_pod.sh
pod_env=(DOCKER_CONFIG=/etc/docker SSL_CERT_FILE=/etc/authorities.pem)
# shellcheck source=test/integration/lib_pod.sh
. "${BASH_SOURCE[0]%/*}/lib_pod.sh" || return
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
  bin/docker-credential-evil usr/bin/docker-credential-evil etc/containers/registries.conf
  etc/ld.so.preload
)
make_certificate "$tmp/other" "DNS:$host"
poison() { # FILE
  case $1 in
    etc/resolv.conf) printf 'nameserver 127.0.0.1:1\n' ;;
    etc/hosts) printf '127.0.0.66 %s\n' "$host" ;;
    etc/containers/*) printf '[[registry]]\nlocation = "%s"\nblocked = true\n' "$image_host" ;;
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
for folder in run var/tmp opt; do # as its own, to write to
  mkdir -p "$tmp/poison/$folder"
  touch "$tmp/poison/$folder/file"
done
# And a payload that leaves what it can of it.
cat >"$tmp/poison/bin/leave" <<END
#!/bin/busybox sh
for file in ${poisoned[@]}; do
  mkdir -p "/\${file%/*}"
  cp -f "/pod/live/\$file" "/\$file"
done 2>/dev/null
echo second
END
chmod 755 "$tmp/poison/bin/leave"
make_image "$tmp/evil" gzip "$(busybox_layer && echo "$cached")" "$tmp/poison" -- --config.env PATH=/bin
push "$tmp/evil" evil:1

# --- pilots in the pod ----------------------------------------------------------------------------

spool=$pod/pod/spool
mkdir "$spool"
chown 1000 "$spool"
submit_in_pod() { # IMAGE COMMAND...
  jq -cn --arg image "docker://$image_host/$1" '{image: $image, command: $ARGS.positional}' \
    --args -- "${@:2}" | setpriv --reuid 1000 --regid 1000 --clear-groups "$program" submit "$spool" -
}
ended() { # ID
  [[ $(job_field "$1" .state) =~ ^(done|failed)$ ]]
}
expect_done() { # ID OUTPUT
  wait_for 60 ended "$1"
  expect_equal "$(job_field "$1" '"\(.state) \(.slug)"')" 'done null' "$(job_field "$1" tojson)"
  expect_equal "$(<"$(job_field "$1" .stdout)")" "$2" "$(job_field "$1" tojson) $(tail "$(job_field "$1" .stderr)")"
}

podpilot_in() { # PID: its first descendant that is podpilot
  local pid=$1
  until [[ $(<"/proc/$pid/comm") == podpilot ]]; do pid=$(pgrep -o -P "$pid") || return; done
  echo "$pid"
}
