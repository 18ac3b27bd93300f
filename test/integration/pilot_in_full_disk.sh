#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A cache's disk that has no room for the next image: what is not in use makes way and the pull begins
# anew, once; where nothing can, the job is given back with the reason.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs root userns
start_registry
busybox_layer
for name in a b c large; do
  mkdir "$tmp/$name"
  size=3000000
  if [[ $name == large ]]; then size=9000000; fi
  head -c "$size" /dev/urandom >"$tmp/$name/data"
  make_image "$tmp/image" gzip "$cached" "$tmp/$name" -- --config.env PATH=/bin
  push "$tmp/image" "$name:1"
done
start_proxy
mount -t tmpfs -o size=10m,uid=1000,gid=1000,mode=700 podpilot-test "$cache"
mounts+=("$cache")
scratch=$tmp/work

job() { # IMAGE
  submit "{\"image\": \"$registry/$1:1\", \"command\": [\"sh\", \"-c\", \"sha256sum </data\"]}"
}
names() { podpilot cache ls --json --cache "$cache" | jq -r '.references[]' | grep -o '[a-z]*:1$' | sort | xargs; }
expect_data() { # ID IMAGE
  wait_for 20 job_is "$1" "done"
  expect_equal "$(<"$(job_field "$1" .stdout)")" "$(sha256sum <"$tmp/$2/data")" "what the job with image $2 read"
}
start_pilot --jobs 2 --scratch "$scratch"
for image in a b; do expect_data "$(job "$image")" "$image"; done
expect_equal "$(names)" 'a:1 b:1' 'as long as there is room'
expect_data "$(job c)" c
expect_grep 'made room in the cache .*images=2' "$tmp/pilot-1.log"
expect_equal "$(names)" c:1 'what made way'

too_large=$(job large)
wait_for 20 grep -q "$too_large.* slug=cache-full" "$tmp/pilot-1.log"
expect_equal "$(job_field "$too_large" .attempt)" 1
kill -TERM "$pilot"
wait "$pilot" || fail "the pilot ended with $?"
expect_whole_cache
