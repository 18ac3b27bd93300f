#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Twenty jobs of one image at once make one pull: the registry is asked for the manifest, the config
# and each layer once. A job that is cancelled while it waits takes nobody along; a pull that fails
# fails all of them in the same words, and asks no more often. Pilots that share a cache ask for
# each layer once between them.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox_layer
mkdir "$tmp/random"
for name in tool broken both; do # the second layer is each one's own, and takes some seconds
  head -c 1500000 /dev/urandom >"$tmp/random/file"
  make_image "$tmp/image" gzip "$cached" "$tmp/random" -- --config.env PATH=/bin
  push "$tmp/image" "$name:1"
done
start_proxy

asked() { # REPO: what the registry was asked for, and how often
  sed -nE "s,^(GET|HEAD) /v2/$1/(manifests|blobs)/.* .*,\\2,p" "$tmp/requests" | sort | uniq -c |
    xargs
}
asked_twice() { # REPO: blobs
  grep -E "^GET /v2/$1/blobs/" "$tmp/requests" | sort | uniq -d
}
submit_jobs() { # REPO NUMBER: sets `ids`
  local n
  ids=()
  for ((n = 0; n < $2; ++n)); do
    ids+=("$(submit "{\"image\": \"$registry/$1:1\", \"command\": [\"wc\", \"-c\", \"/file\"]}")")
  done
}
all_are() { # STATE: of `ids`
  [[ $(podpilot queue "$spool" --json "${ids[@]}" | jq -r .state | sort -u) == "$1" ]]
}
asks_for_layer() { # REPO: beside the config
  (($(grep -c "GET /v2/$1/blobs/" "$tmp/requests") > 1))
}

echo '/v2/tool/blobs rate 170000' >"$tmp/faults"
submit_jobs tool 20
start_pilot --drain --cpus 20 --jobs 20
wait_for 20 asks_for_layer tool
wait_for 20 all_are running
first=${ids[0]}
expect_exit 0 podpilot cancel "$spool" "$first" # for which the pull was begun, perhaps
wait_for 8 job_is "$first" failed
expect_equal "$(job_field "$first" .slug)" job-cancelled
wait "$pilot" || fail "the pilot ended with $?"
for id in "${ids[@]:1}"; do
  expect_equal "$(job_field "$id" '"\(.state) \(.exit_code) \(.attempt)"')" 'done 0 1'
done
expect_equal "$(asked tool)" '3 blobs 1 manifests' 'requests'
expect_equal "$(asked_twice tool)" '' 'blobs asked for twice'

echo '/v2/broken/blobs flip' >"$tmp/faults"
submit_jobs broken 6
drain --cpus 6 --jobs 6
expect_equal "$(podpilot queue "$spool" --json "${ids[@]}" | jq -r '"\(.state) \(.slug) \(.text)"' |
  sort -u | wc -l)" 1 'different ends'
expect_equal "$(asked_twice broken)" '' 'blobs asked for twice, by a pull that fails'
expect_equal "$(job_field "${ids[0]}" .state)" failed

echo '/v2/both/blobs rate 250000' >"$tmp/faults"
submit_jobs both 6
start_pilot --drain --cpus 3 --jobs 3 --name ada
ada=$pilot
start_pilot --drain --cpus 3 --jobs 3 --name bob
wait "$ada" || fail "the first pilot ended with $?"
wait "$pilot" || fail "the second pilot ended with $?"
expect_equal "$(podpilot queue "$spool" --json "${ids[@]}" | jq -r .pilot | sort -u | xargs)" \
  'ada bob' 'pilots that had work'
expect_equal "$(podpilot queue "$spool" --json "${ids[@]}" |
  jq -r '"\(.state) \(.exit_code) \(.attempt)"' | sort -u)" 'done 0 1'
manifests=$(grep -cE '^(GET|HEAD) /v2/both/manifests/' "$tmp/requests")
((manifests <= 2)) || fail "$manifests requests for manifests by two pilots"
manifest=$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' "$tmp/image/index.json")
layers=$(jq -r '.layers[].digest' "$tmp/image/blobs/sha256/$manifest" | xargs | tr ' ' '|')
expect_equal "$(asked_twice both | grep -E "$layers" || true)" '' 'layers asked for twice'
expect_whole_cache
