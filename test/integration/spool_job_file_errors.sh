#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A job file with a mistake is refused at submit, in one line that names the place; nothing of it
# is in the spool, and the other jobs of the same command are.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
bad() { # NAMED JSON
  printf '%s' "$2" >"$tmp/job.json"
  expect_error job-invalid "$1" podpilot submit "$spool" "$tmp/job.json"
  expect_out ''
}
bad image '{}'
bad 'image' '{"image": 7}'
bad 'command' '{"image": "x", "command": "true"}'
bad 'args[1]' '{"image": "x", "args": ["a", 2]}'
bad 'env.A' '{"image": "x", "env": {"A": 1}}'
bad 'colour' '{"image": "x", "colour": "blue"}'
bad 'inputs[0].sauce' '{"image": "x", "inputs": [{"source": "job.json", "sauce": "y"}]}'
bad 'outputs[0]' '{"image": "x", "outputs": ["../up"]}'
bad 'outputs[0]' '{"image": "x", "outputs": ["/etc/passwd"]}'
bad 'time_limit' '{"image": "x", "time_limit": "soon"}'
bad 'memory' '{"image": "x", "memory": "much"}'
bad 'cpus' '{"image": "x", "cpus": 0}'
bad 'retries' '{"image": "x", "retries": -1}'
bad 'priority' '{"image": "x", "priority": 1.5}'
bad 'job.json' 'not json'
bad 'job.json' '{"image": "x"'
bad 'job.json' ''
bad 'image' '{"image": "x", "image": "y"}'
expect_error input-not-found nowhere podpilot submit "$spool" - <<<'{"image": "x", "inputs": ["nowhere"]}'
expect_exit 125 podpilot submit "$spool" "$tmp/nowhere.json"
expect_grep 'nowhere\.json' "$err"

echo '{"image": "x"}' >"$tmp/good.json"
expect_exit 125 podpilot submit "$spool" "$tmp/job.json" "$tmp/good.json"
expect_equal "$(podpilot queue "$spool" --json | jq -r '"\(.id) \(.state)"')" "$(<"$out") queued"
expect_equal "$(find "$spool" -name job.json | wc -l)" 1 "jobs in the spool"
