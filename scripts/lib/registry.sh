# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing. Debian's docker-registry on a loopback port of its own choice.

# Keeps storage, configuration and log in FOLDER. REGISTRY_* variables go to the registry, which
# reads its whole configuration from them too. Sets registry_host (ADDRESS:PORT, 127.0.0.1 unless
# REGISTRY_HTTP_ADDR names another) and registry_pid; the caller ends it. With PORT it comes back
# where it was.
registry_start() { # FOLDER [PORT]
  local dir=$1 port=${2:-0} try
  mkdir -p "$dir/storage"
  cat >"$dir/config.yml" <<END
version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: "$dir/storage"}
  delete: {enabled: true}
  maintenance: {uploadpurging: {enabled: false}}
http: {addr: "127.0.0.1:$port"}
END
  : >"$dir/log"
  docker-registry serve "$dir/config.yml" >"$dir/log" 2>&1 &
  registry_pid=$!
  for try in {1..200}; do
    registry_host=$(sed -n 's/.*msg="listening on \([][0-9a-f.:]*:[0-9]*\).*/\1/p' "$dir/log")
    if [[ -n $registry_host ]]; then return; fi
    if ! kill -0 "$registry_pid" 2>/dev/null; then break; fi
    sleep 0.05
  done
  printf 'docker-registry does not start (try %s):\n' "$try" >&2
  tail -n 20 "$dir/log" >&2
  return 1
}

registry_stop() {
  kill "$registry_pid"
  wait "$registry_pid" || true
}
