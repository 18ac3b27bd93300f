#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# From a shadow's ACTIVATE_CLAIM to the payload's first instruction, with a warm image: on a real
# condor_startd that has podpilot for its apptainer, and on podpilot as the execute node. Ten jobs each,
# one after the other; prints medians, asserts nothing. POOL_SUITE chooses HTCondor's version.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh" || exit
needs userns root python3
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"
rounds=${1:-10}
busybox_pool 'SHADOW_DEBUG = D_FULLDEBUG D_SUB_SECOND'
# A file's time is that of the kernel's last tick, 4 ms ago at most.
submit_rounds() { # NAME ROUNDS LINE...
  queue=$'output = begun.$(Process)\nqueue '$2 submit_job "$1" "${container[@]}" 'executable = /bin/sh' \
    'transfer_executable = false' "arguments = \"-c ': >begun; stat -c %Y.%y begun'\"" \
    'transfer_output_files = ""' "${@:3}"
  wait_for 300 has_left "$1"
}
cat >"$tmp/median.py" <<'END'
import datetime, re, statistics, sys
who, cluster, folder, log = sys.argv[1:]
activated = {}
for line in open(log, errors="replace"):
    seen = re.match(r"(\S+ \S+) \((\d+)\.(\d+)\) .*Entering DCStartd::activateClaim", line)
    if seen and seen[2] == cluster:
        activated[seen[3]] = datetime.datetime.strptime(seen[1], "%m/%d/%y %H:%M:%S.%f").replace(tzinfo=datetime.timezone.utc).timestamp()
took = []
for process, start in activated.items():
    seconds, rest = open(f"{folder}/begun.{process}").read().split(".", 1)
    took.append(1000 * (int(seconds) + float("0." + rest.split(".")[1].split()[0]) - start))
print(f"{who}: {statistics.median(took):.0f} ms (of {len(took)}: {min(took):.0f} to {max(took):.0f})")
END
measure() { # NAME LINE...
  submit_rounds "$1-first" 1 "${@:2}"
  submit_rounds "$1" "$rounds" "${@:2}"
  python3 "$tmp/median.py" "$1" "${cluster[$1]}" "${folder[$1]}" "$POOL_HOME/pool/log/ShadowLog"
}

printf 'HTCondor of %s\n' "$POOL_SUITE"
pool startd up --runtime "$PODPILOT" 'NUM_CPUS = 1' 'SINGULARITY_EXTRA_ARGUMENTS = "--cache /home/pilot/cache"'
measure condor_startd
pool startd down
start_condor_pilot --cpus 1 --memory 1GiB --name ours
measure podpilot 'requirements = TARGET.UidDomain == "ours"'
