#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A pilot that serves probes and metrics while it runs jobs: what Prometheus' own tool says of them,
# who may ask what, what a drain changes, and why the pilot says it ended.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns promtool curl
start_registry
busybox_image
push "$cached" busybox:1

start_pilot --listen 127.0.0.1:0 --cpus 2 --log-format json
log=$tmp/pilot-1.log
wait_for 20 grep -q 'probes and metrics are served' "$log"
port=$(jq -r 'select(.event == "probes and metrics are served").port' "$log")
base=http://127.0.0.1:$port

get() { curl -sS -m 5 "$base$1"; }
status() { curl -sS -m 5 -o /dev/null -w '%{http_code}' "$@"; }
metric() { get /metrics | awk -v name="$1" '$1 == name { print $2 }'; } # NAME{LABELS}
has_metric() { [[ $(metric "$1") == "$2" ]]; }
is_ready() { [[ $(status "$base/readyz") == 200 ]]; }

wait_for 10 is_ready
get /readyz >"$tmp/readyz.log"
for check in accepting pilot scheduler cache; do expect_grep "^\[[+]\]$check ok$" "$tmp/readyz.log"; done
expect_equal "$(status "$base/livez")" 200
expect_equal "$(status "$base/")" 404
expect_equal "$(status -X POST -d x "$base/metrics" 2>/dev/null || true)" 000 "a POST"

first=$(submit '{"image": "'"$registry"'/busybox:1", "args": ["true"]}')
wait_for 30 job_is "$first" "done"
second=$(submit '{"image": "'"$registry"'/busybox:1", "args": ["sh", "-c", "exit 3"]}')
wait_for 30 job_is "$second" "done"
third=$(submit '{"image": "'"$registry"'/nothing:1", "args": ["true"]}')
wait_for 30 job_is "$third" failed

wait_for 10 has_metric 'podpilot_jobs_total{outcome="failed",origin="image",reason="image-not-found"}' 1
has_metric 'podpilot_jobs_total{outcome="done",origin="payload",reason="exit"}' 2 || fail "two jobs"
has_metric 'podpilot_images_total{result="pulled"}' 1 || fail "one pull"
has_metric 'podpilot_images_total{result="present"}' 1 || fail "one image that was there"
has_metric 'podpilot_images_total{result="failed"}' 1 || fail "one image that is not there"
has_metric 'podpilot_job_start_seconds_count' 2 || fail "two starts"
has_metric 'podpilot_slots{state="free"}' 2 || fail "free slots"
[[ $(metric podpilot_image_pulled_bytes_total) -gt 1000 ]] || fail "pulled bytes"
[[ $(metric podpilot_cache_bytes) -ge 0 ]] || fail "cache"
get /metrics >"$tmp/metrics"
expect_sound_metrics "$tmp/metrics"
# The dashboard asks for nothing that is not there, and README tells of all its panels.
dashboard=$PODPILOT_SOURCE/scripts/kubernetes/dashboard.json
sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$tmp/metrics" | sort >"$tmp/families"
jq -r '.panels[].targets[].expr' "$dashboard" |
  grep -o 'podpilot_[a-z_]*' | sed 's/_bucket$//' | sort -u >"$tmp/asked"
expect_equal "$(comm -13 "$tmp/families" "$tmp/asked")" "" "the dashboard's metrics"
expect_equal "$(sed -n '/^| panel |/,/^$/s/^| \*\*\(.*\)\*\* |.*/\1/p' "$PODPILOT_SOURCE/README.md")" \
  "$(jq -r '.panels[].title' "$dashboard")" "the dashboard's panels in README"

# One that asks slowly, or for too much, keeps nobody else waiting.
exec {slow}<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /metr' >&"$slow"
head -c 100000 /dev/zero | tr '\0' 'a' >"$tmp/long"
expect_equal "$(status -H "X: @$tmp/long" -H "Y: $(head -c 60000 "$tmp/long")" "$base/livez" || true)" 431 \
  "a long header"
expect_equal "$(status "$base/livez")" 200
exec {slow}>&-

long=$(submit '{"image": "'"$registry"'/busybox:1", "args": ["sleep", "60"]}')
wait_for 30 has_metric 'podpilot_slots{state="busy"}' 1

# A drain is not ready, and goes on to answer.
kill -TERM "$pilot"
wait_for 10 eval '! is_ready'
get /readyz >"$tmp/readyz.log"
expect_grep '^\[-\]accepting: draining' "$tmp/readyz.log"
expect_equal "$(status "$base/livez")" 200
kill -TERM "$pilot"
wait "$pilot" || fail "the pilot ends with $?"
job_is "$long" queued || fail "the job was not given back: $(job_field "$long" .state)"
expect_equal "$(jq -r 'select(.event == "pilot ends").why' "$log")" "told to by a signal"

# An address that is another's, and one that is none.
expect_exit 78 podpilot pilot --scheduler "spool:$spool" --cache "$cache" --listen here:1 --drain
expect_grep 'listen.*must be ADDRESS:PORT' "$err"
python3 -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True); time.sleep(60)' \
  >"$tmp/port.log" &
wait_for 5 test -s "$tmp/port.log"
expect_exit 125 podpilot pilot --scheduler "spool:$spool" --cache "$cache" --drain \
  --listen "127.0.0.1:$(<"$tmp/port.log")"
expect_grep 'in use' "$err"
