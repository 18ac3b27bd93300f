#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What history and the job's log say of a job's use, beside the same job on a real condor_startd.
# ctest: long
# ctest: timeout 300
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root python3
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"
busybox_pool

# 200 MiB of memory for a while, 60 MB of disk, and 3 s of user time as the shell's own `times` has it,
# which on a busy machine take as long as they take: it says how long it was.
cat >"$jobs/uses.sh" <<'END_OF_JOB'
#!/bin/sh
read -r begin rest </proc/uptime
dd if=/dev/zero of=big bs=1M count=60 2>/dev/null
./eat slowly 200 &
while :; do
  times >spent
  read -r user rest <spent
  case $user in 0m[0-2].*) ;; *) break ;; esac
  i=0
  while [ $i -lt 20000 ]; do i=$((i + 1)); done
done
sleep 8
kill $!
read -r end rest </proc/uptime
echo "$begin $end" >lasted
END_OF_JOB
install -m 755 "$PODPILOT_BUILD/test/victims/eat" "$jobs/eat"
uses=('executable = uses.sh' 'transfer_input_files = eat'
  'request_cpus = 1' 'request_memory = 512' 'request_disk = 204800'
  'should_transfer_files = YES' 'when_to_transfer_output = ON_EXIT' 'transfer_output_files = spent, lasted')

pool startd up
submit_job theirs "${uses[@]}"
wait_for 120 has_left theirs
pool startd down
start_condor_pilot --cpus 2 --memory 1GiB --name ours
submit_job ours "${uses[@]}" 'universe = container' "container_image = docker://$registry/busybox:1" \
  'requirements = TARGET.UidDomain == "ours"'
wait_for 120 has_left ours

# Of an unprivileged condor_startd (23.9.6) history has no CPU time and 5 MB of memory for any job of
# several processes: there the job's own account is the measure.
figures=(RemoteUserCpu RemoteSysCpu ResidentSetSize_RAW ImageSize_RAW DiskUsage_RAW CpusUsage RemoteWallClockTime
  CpusProvisioned MemoryProvisioned DiskProvisioned GPUsProvisioned ActivationDuration ActivationExecutionDuration
  ActivationTeardownDuration)
for name in theirs ours; do
  in_history "$name" "${figures[@]}" >"$tmp/$name.figures"
  sed -n '/Partitionable Resources/,/^$/p' "${folder[$name]}/job.log" >"$tmp/$name.table"
done
cat >"$tmp/compare.py" <<'END'
import re, sys
names = sys.argv[3:]
theirs, ours = (dict(zip(names, open(f"{who}.figures").read().split())) for who in ("theirs", "ours"))
tables = [dict(re.findall(r"^\t +(\w+).*?: +([\d.]+) ", open(f"{who}.table").read(), re.M)) for who in ("theirs", "ours")]
print(theirs, ours, tables, sep="\n", file=sys.stderr)

def close(what, got, want, slack=0.0):
    if abs(float(got) - float(want)) > 0.1 * float(want) + slack:
        sys.exit(f"{what}: {got}, want {want}")

def seconds(text):
    minutes, rest = text.split()[0].rstrip("s").split("m")
    return 60 * float(minutes) + float(rest)

lasted = {}
for who, folder in (("theirs", sys.argv[2]), ("ours", sys.argv[1])):
    begin, end = open(f"{folder}/lasted").read().split()
    lasted[who] = float(end) - float(begin)
for name in ("RemoteWallClockTime", "ActivationDuration", "ActivationExecutionDuration"):
    want = lasted["ours"] + float(theirs[name]) - lasted["theirs"]
    close(name, ours[name], want, 2)  # whole seconds
close("ActivationTeardownDuration", ours["ActivationTeardownDuration"], theirs["ActivationTeardownDuration"], 2)
for name in ("DiskUsage_RAW", "CpusProvisioned", "MemoryProvisioned", "DiskProvisioned"):
    close(name, ours[name], theirs[name])
close("RemoteUserCpu", ours["RemoteUserCpu"], seconds(open(f"{sys.argv[1]}/spent").read()), 0.2)
close("ResidentSetSize", ours["ResidentSetSize_RAW"], 200 << 10)
close("ImageSize", ours["ImageSize_RAW"], 200 << 10)
cpu = float(ours["RemoteUserCpu"]) + float(ours["RemoteSysCpu"])
close("CpusUsage", ours["CpusUsage"], cpu / float(ours["ActivationExecutionDuration"]), 0.05)
close("Disk in event 005", tables[1]["Disk"], tables[0]["Disk"])
close("Memory in event 005", tables[1]["Memory"], 200)
close("Cpus in event 005", tables[1]["Cpus"], ours["CpusUsage"], 0.01)
END
(cd "$tmp" && python3 compare.py "${folder[ours]}" "${folder[theirs]}" "${figures[@]}") || fail "see above"
