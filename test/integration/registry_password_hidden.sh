#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The registry's password is in config.json and goes to the registry. It is in no process's
# arguments or environment, in no log, and nowhere in cache or spool; no payload can see it.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry htpasswd
busybox_image
push "$cached" tool:1
start_proxy
echo 'blobs rate 700000' >"$tmp/faults"
jq --arg proxy "$registry" '.auths = {($proxy): .auths[]}' "$tmp/config.json" >"$tmp/proxy.json"
chmod 600 "$tmp/proxy.json"
give_user "$tmp/proxy.json"
secrets=$(<"$tmp/password")\|$(jq -r '.auths[].auth' "$tmp/proxy.json")

# shellcheck disable=SC2016
id=$(submit "$(jq -n --arg image "docker://$registry/tool:1" --arg marker "$spool" '{image: $image,
  command: ["sh", "-c", "cat /proc/*/environ /proc/*/cmdline; sleep 2", $marker]}')")
start_pilot --drain --registry-config "$tmp/proxy.json" --log-level debug
while kill -0 "$pilot" 2>/dev/null; do
  for pid in $(processes); do
    tr '\0' '\n' <"/proc/$pid/cmdline" >>"$tmp/seen" || true
    tr '\0' '\n' <"/proc/$pid/environ" >>"$tmp/seen" || true
  done 2>/dev/null
  sleep 0.1
done
wait "$pilot"

job_is "$id" "done" || fail "$(job_field "$id" .)"
expect_grep '^pull$' "$tmp/seen"  # we did look at the pull too
expect_no_grep "$secrets" "$tmp/seen"
for log in "$tmp"/pilot-*.log; do expect_no_grep "$secrets" "$log"; done
if grep -raqE -e "$secrets" "$cache" "$spool"; then fail "the password is in cache or spool"; fi
