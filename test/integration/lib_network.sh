# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing before lib.sh: the test starts again in a network and a mount namespace of its own,
# which have 192.0.2.1, 192.0.2.2 and ::1, and no way out.

if [[ -z ${podpilot_own_network:-} ]]; then
  if ((EUID != 0)); then
    echo 'skipped: needs root'
    exit 77
  fi
  podpilot_own_network=yes exec unshare --net --mount bash "$0"
fi
ip link set lo up
ip address add 192.0.2.1/32 dev lo
ip address add 192.0.2.2/32 dev lo

own_names() { # "ADDRESS NAME"...: all of /etc/hosts
  printf '%s\n' '127.0.0.1 localhost' "$@" >"${tmp:?}/hosts"
  mount --bind "$tmp/hosts" /etc/hosts
}

# nginx before `registry`, with the certificate $tmp/front.pem; $tmp/nginx.access gets a line "CLIENT
# PROTOCOL STATUS METHOD PATH CONNECTION" for each request. LISTEN: "ADDRESS:PORT ssl http2".
nginx_pid=
start_nginx() { # LISTEN [DIRECTIVE;...]
  local listen=$1
  shift
  mkdir -p "$tmp/nginx"
  : >"$tmp/nginx.access"
  cat >"$tmp/nginx.conf" <<END
daemon off;
user root;
pid $tmp/nginx/pid;
error_log $tmp/nginx.log;
events {}
http {
  log_format brief '\$remote_addr \$server_protocol \$status \$request_method \$request_uri \$connection';
  access_log $tmp/nginx.access brief;
  client_body_temp_path $tmp/nginx/body;
  proxy_temp_path $tmp/nginx/proxy;
  fastcgi_temp_path $tmp/nginx/fastcgi;
  uwsgi_temp_path $tmp/nginx/uwsgi;
  scgi_temp_path $tmp/nginx/scgi;
  server {
    listen $listen;
    ssl_certificate $tmp/front.pem;
    ssl_certificate_key $tmp/front.key;
    $*
    location / {
      proxy_pass http://${registry:?};
      proxy_set_header Host \$http_host;
      proxy_set_header X-Forwarded-Proto https;
    }
  }
}
END
  nginx -e "$tmp/nginx.log" -c "$tmp/nginx.conf" >"$tmp/nginx.err" 2>&1 &
  nginx_pid=$!
  wait_for 10 test -s "$tmp/nginx/pid"
}
stop_nginx() {
  kill "$nginx_pid"
  wait "$nginx_pid" || true
}

# What podpilot pulls with VARIABLES in its environment.
pull_with() { # [NAME=VALUE...] ARGUMENT...
  local variables=()
  while [[ $1 == [A-Za-z_]*=* ]]; do
    variables+=("$1")
    shift
  done
  # shellcheck disable=SC2154  # of lib.sh
  "${unprivileged[@]}" "${pilot_env[@]}" "${variables[@]}" "$program" pull --cache "$cache" "$@"
}
