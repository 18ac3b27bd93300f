#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times the way from an image in a registry to a payload's first output, for podpilot, for each peer
and for the floor, in turns, so that what else the machine does meets all alike. Runs as root inside the
peers' root, with /bench on the disk that is measured; every measured program runs as uid 1000."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

UID = 1000
HOME = "/bench/home"
STORE = "/bench/store"

READY = "sh -c 'echo READY'"
BWRAP = ("bwrap --unshare-user --uid 0 --gid 0 --unshare-pid --unshare-ipc --bind {root} / --proc /proc"
         " --dev /dev --chdir / " + READY)
PODMAN = ("podman --cgroup-manager=cgroupfs run --rm --tls-verify=false --network=host --cgroups=disabled --entrypoint sh"
          " {image} -c 'echo READY'")

# Cold is from nothing to the payload; warm is with the image there, in the peer's own way.
PEERS = {
    "podpilot": {
        "cold": "/bench/podpilot run -q --cache {store}/cache docker://{image} " + READY,
        "warm": "/bench/podpilot run -q --cache {store}/cache docker://{image} " + READY,
    },
    "crane+tar+bwrap": {
        "cold": "mkdir {store}/r && crane export --insecure {image} - | tar -x -p --no-same-owner -C"
                " {store}/r && " + BWRAP.format(root="{store}/r"),
        "warm": BWRAP.format(root="{store}/r"),
    },
    "skopeo+umoci+bwrap": {
        "cold": "skopeo --insecure-policy copy -q --src-tls-verify=false docker://{image} oci:{store}/o:x"
                " && umoci unpack --rootless --image {store}/o:x {store}/b && "
                + BWRAP.format(root="{store}/b/rootfs"),
        "warm": BWRAP.format(root="{store}/b/rootfs"),
    },
    "podman": {"cold": PODMAN, "warm": PODMAN},
    "charliecloud": {
        "cold": "ch-image -q --no-cache --tls-no-verify -s {store}/ch pull {tls_image} >/dev/null &&"
                " ch-run -s {store}/ch {tls_image} -- " + READY,
        "warm": "ch-run -s {store}/ch {tls_image} -- " + READY,
    },
    "apptainer": {
        "cold": "apptainer -q build --no-https --sandbox {store}/sb docker://{image} >/dev/null &&"
                " apptainer -q exec {store}/sb " + READY,
        "warm": "apptainer -q exec {store}/sb " + READY,
    },
}


# N jobs of `true`, one after the other, with the image there: by one pilot, by N calls of podpilot run,
# by N calls of bwrap, and by no container at all.
REPEAT = "for ((i = 0; i < {jobs}; i++)); do {command} || exit; done"
ROW = {
    "podpilot pilot": "/bench/podpilot pilot --scheduler spool:{store}/spool --cache {store}/cache --jobs 1"
                      " --drain --log-level error",
    "podpilot run": REPEAT.replace("{command}", "/bench/podpilot run -q --cache {store}/cache"
                                                " docker://{image} true"),
    "bwrap": REPEAT.replace("{command}", BWRAP.format(root="{store}/r").replace(READY, "true")),
    "fork and exec": REPEAT.replace("{command}", "/bin/true"),
}


def environment():
    return {"HOME": HOME, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "USER": "user",
            "XDG_RUNTIME_DIR": "/run/user", "TMPDIR": STORE + "/tmp",
            "XDG_CONFIG_HOME": HOME + "/.config", "APPTAINER_CACHEDIR": STORE + "/apptainer",
            "XDG_DATA_HOME": STORE + "/data"}


class Memory(threading.Thread):
    """Looks at all processes below this one every 10 ms. `peak_rss` is the highest sum of what they have
    resident, `marks` the sum of each one's own high-water mark (VmHWM); kB."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak_rss = 0
        self.high = {}
        self.stop = threading.Event()

    def run(self):
        me = os.getpid()
        while not self.stop.wait(0.01):
            total = 0
            for pid in filter(str.isdigit, os.listdir("/proc")):
                if int(pid) == me:
                    continue
                try:
                    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
                        fields = dict(line.split(":", 1) for line in file if ":" in line)
                except (OSError, ValueError):
                    continue
                if "VmHWM" not in fields or int(fields["Uid"].split()[0]) == 0:
                    continue
                total += int(fields["VmRSS"].split()[0])
                self.high[pid] = max(self.high.get(pid, 0), int(fields["VmHWM"].split()[0]))
            self.peak_rss = max(self.peak_rss, total)

    @property
    def marks(self):
        return sum(self.high.values())


def cpu_of_children():
    """Of all that ended and were waited for, orphans included: this process adopts them."""
    import resource
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def become_user():
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)


def reap_all():
    """What the command left, a monitor or a mount helper, has a second to end by itself."""
    end = time.monotonic() + 1
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.005)
        except ChildProcessError:
            return
        if time.monotonic() > end:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)


def run_shell(command, want_ready=True, memory=None):
    """{ready, exit, cpu} in seconds; of a command that fails, its last words on stderr."""
    before = cpu_of_children()
    if memory:
        memory.start()
    start = time.monotonic()
    with open("/tmp/stderr", "wb") as err:
        child = subprocess.Popen(["bash", "-o", "pipefail", "-c", command], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=err, env=environment(), cwd="/bench",
                                 preexec_fn=become_user, start_new_session=True)
        ready = None
        seen = b""
        while True:
            got = os.read(child.stdout.fileno(), 65536)
            if not got:
                break
            seen += got
            if ready is None and b"READY" in seen:
                ready = time.monotonic() - start
        child.stdout.close()
        status = child.wait()
    end = time.monotonic() - start
    reap_all()
    if memory:
        memory.stop.set()
        memory.join()
    if status != 0 or (want_ready and ready is None):
        with open("/tmp/stderr", encoding="utf-8", errors="replace") as err:
            words = err.read().strip().splitlines()
        return {"failed": words[-1] if words else f"exit {status}"}
    return {"ready": ready, "exit": end, "cpu": cpu_of_children() - before}


def fresh_store():
    shutil.rmtree(STORE, ignore_errors=True)
    subprocess.run(["rm", "-rf", STORE], check=True)
    for folder in (STORE, STORE + "/tmp", STORE + "/cache", STORE + "/ch"):
        os.mkdir(folder)
        os.chown(folder, UID, UID)
    os.rmdir(STORE + "/ch")
    os.sync()


def drop_caches():
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3")


def disk_bytes(folder):
    out = subprocess.run(["du", "-sx", "--block-size=1", folder], check=True, capture_output=True)
    return int(out.stdout.split()[0])


def floor(layers, registry, repository):
    """CPU seconds of what cannot be left out, with the best tools there are, one step after the other."""
    steps = {"curl": 0.0, "sha256sum": 0.0, "inflate": 0.0, "tar": 0.0}

    def step(name, command):
        result = run_shell(command, want_ready=False)
        if "failed" in result:
            sys.exit(f"measure: the floor's {name} failed: {result['failed']}")
        steps[name] += result["cpu"]

    base = run_shell(":", want_ready=False)["cpu"]
    for number, (digest, compression) in enumerate(layers):
        blob, tar, into = (f"/dev/shm/bench-{name}" for name in ("blob", "tar", "into"))
        into = f"{STORE}/floor-{number}"
        inflate = "igzip -dc" if compression == "gzip" else "zstd -dcq"
        url = f"http://{registry}/v2/{repository}/blobs/{digest}"
        run_shell(f"curl -sSf -o {blob} {url} && {inflate} {blob} >{tar}", want_ready=False)
        step("curl", f"curl -sSf -o /dev/null {url}")
        step("sha256sum", f"sha256sum {blob} {tar} >/dev/null")
        step("inflate", f"{inflate} {blob} >/dev/null")
        step("tar", f"mkdir {into} && tar -xpf {tar} --no-same-owner -C {into}")
    for name in ("blob", "tar"):
        os.unlink(f"/dev/shm/bench-{name}")
    count = {"curl": 1, "sha256sum": 1, "inflate": 1, "tar": 1}
    return {name: spent - base * len(layers) * count[name] for name, spent in steps.items()}


def fill(template, options):
    return template.format(store=STORE, image=options["image"], tls_image=options["tls_image"],
                           jobs=options["row_jobs"])


def row(plan):
    """{name: [{exit, cpu}, ...]}, in turns, so that what else the machine does meets all alike."""
    fresh_store()
    job = json.dumps({"image": plan["image"], "args": ["true"]})
    pull = "/bench/podpilot pull -q --cache {store}/cache docker://{image} >/dev/null"
    unpack = "mkdir {store}/r && crane export --insecure {image} - | tar -x -p --no-same-owner -C {store}/r"
    submit = ("mkdir -p {store}/spool && echo '" + job.replace("{", "{{").replace("}", "}}")
              + "' >{store}/job.json && "
              + REPEAT.replace("{command}", "/bench/podpilot submit {store}/spool {store}/job.json >/dev/null"))
    results = {}
    for step in (pull, unpack):
        prepared = run_shell(fill(step, plan), want_ready=False)
        if "failed" in prepared:
            sys.exit(f"measure: {step}: {prepared['failed']}")
    for _ in range(plan["row_rounds"]):
        run_shell(fill(submit, plan), want_ready=False)
        for name, command in ROW.items():
            result = run_shell(fill(command, plan), want_ready=False)
            results.setdefault(name, []).append(result)
            print(f"row {name}: {json.dumps(result)}", file=sys.stderr, flush=True)
    return results


def row_table(results, jobs):
    lines = [f"| {jobs} times `true` in a row | ms each | CPU, ms each | jobs a second |", "|---|---|---|---|"]
    for name, runs in results.items():
        done = [run for run in runs if "exit" in run]
        if not done:
            lines.append(f"| {name} | failed | | |")
            continue
        wall, cpu = (sorted(run[key] for run in done) for key in ("exit", "cpu"))
        lines.append(f"| {name} | {1000 * statistics.median(wall) / jobs:.2f} ({1000 * wall[0] / jobs:.2f}) |"
                     f" {1000 * statistics.median(cpu) / jobs:.2f} | {jobs / statistics.median(wall):.0f} |")
    return "\n".join(lines)


def measure(plan):
    results = {"cold": {}, "warm": {}, "memory": {}, "disk": {}, "floor": []}
    peers = {name: PEERS[name] for name in plan["peers"]}

    def note(kind, name, result):
        results[kind].setdefault(name, []).append(result)
        print(f"{kind} {name}: {json.dumps(result)}", file=sys.stderr, flush=True)

    for _ in range(plan["rounds"]):
        for name, peer in peers.items():
            fresh_store()
            drop_caches()
            note("cold", name, run_shell(fill(peer["cold"], plan)))
        fresh_store()
        drop_caches()
        steps = floor(plan["layers"], plan["registry"], plan["repository"])
        results["floor"].append(steps)
        print(f"floor: {json.dumps(steps)}", file=sys.stderr, flush=True)
    for name, peer in peers.items():
        fresh_store()
        memory = Memory()
        result = run_shell(fill(peer["cold"], plan), memory=memory)
        if "failed" in result:
            continue
        results["memory"][name] = {"rss": memory.peak_rss, "marks": memory.marks}
        results["disk"][name] = disk_bytes(STORE)
        for _ in range(plan["warm_rounds"]):
            note("warm", name, run_shell(fill(peer["warm"], plan)))
    return results


def middle(runs, key):
    values = [run[key] for run in runs if key in run]
    return f"{statistics.median(values):.2f} ({min(values):.2f})" if values else "failed"


def table(results, cores):
    floors = [sum(steps.values()) / cores for steps in results["floor"]]
    lines = ["| | cold, s | CPU, s | warm, ms | peak memory, MB | disk, MB |", "|---|---|---|---|---|---|"]
    for name, runs in results["cold"].items():
        warm = [run["ready"] * 1000 for run in results["warm"].get(name, []) if "ready" in run]
        memory = results["memory"].get(name)
        shown = [name, middle(runs, "ready"), middle(runs, "cpu"),
                 f"{statistics.median(warm):.0f} ({min(warm):.0f})" if warm else "",
                 f"{memory['rss'] / 1024:.0f}" if memory else "",
                 f"{results['disk'][name] / 1e6:.0f}" if memory else ""]
        lines.append("| " + " | ".join(shown) + " |")
    lines.append(f"| floor | {statistics.median(floors):.2f} ({min(floors):.2f}) | "
                 f"{statistics.median(floors) * cores:.2f} ({min(floors) * cores:.2f}) | | | |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", help="JSON, as images.bash writes it")
    parser.add_argument("results", help="where the figures go")
    options = parser.parse_args()
    with open(options.plan, encoding="utf-8") as file:
        plan = json.load(file)
    if os.getpid() != 1:  # every other process is killed on the way, and orphans come to pid 1
        sys.exit("measure: not the first process of a pid namespace")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.makedirs("/run/user", mode=0o700, exist_ok=True)
    os.chown("/run/user", UID, UID)
    results = measure(plan)
    results["row"] = row(plan) if plan["row_rounds"] else {}
    with open(options.results, "w", encoding="utf-8") as file:
        json.dump(results, file)
    print(table(results, plan["cores"]))
    if results["row"]:
        print("\n" + row_table(results["row"], plan["row_jobs"]))


if __name__ == "__main__":
    main()
