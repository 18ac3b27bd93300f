// SPDX-License-Identifier: Apache-2.0
// The data of options.cc: every option and every command, in the order in which --help shows them.
#pragma once

#include <array>
#include <string_view>

#include "agent/cli/options.h"

namespace podpilot::agent {

struct OptionRow {
  std::string_view name;
  char letter;
  std::string_view value;     // name of its value in --help; "" for a switch
  std::string_view fallback;  // "" for none
  unsigned commands;
  std::string_view help;
};

inline constexpr unsigned kImages = kPilot | kRun | kPull;
inline constexpr unsigned kSpool = kSubmit | kQueue | kCancel;
inline constexpr unsigned kAll = kImages | kSpool | kCache | kDoctor | kVersion;

inline constexpr auto kOptions = std::to_array<OptionRow>({
    {"scheduler", 0, "URL", "", kPilot | kDoctor,
     "who gives work: spool:FOLDER, or htcondor://COLLECTOR[:PORT][,COLLECTOR...]"},
    {"token-file", 0, "FILE", "", kPilot | kDoctor,
     "htcondor: the pool's token, or a folder of them; else the variable TOKEN, which is wiped"},
    {"ccb", 0, "BROKER,...", "", kPilot | kDoctor,
     "htcondor: brokers through which we are reached; else the collectors"},
    {"start", 0, "EXPRESSION", "", kPilot, "htcondor: which jobs may run here (START); else any"},
    {"attributes", 0, "FILE", "", kPilot,
     "htcondor: lines \"Name = expression\" that our slots advertise as well"},
    {"site", 0, "NAME", "", kPilot, "htcondor: advertised as GLIDEIN_Site"},
    {"resource-name", 0, "NAME", "", kPilot, "htcondor: advertised as GLIDEIN_ResourceName"},
    {"itb", 0, "", "", kPilot | kDoctor,
     "htcondor: \"ospool\" is its test pool, and Is_ITB_Site is advertised"},
    {"default-image", 0, "IMAGE", "", kPilot,
     "htcondor: of jobs that name none; else they are not taken"},
    {"name", 0, "NAME", "", kPilot, "of this pilot, in results and logs; else the host's name"},
    {"randomize-name", 0, "", "", kPilot,
     "put ten random characters before the name: for pods that know themselves by one host's name"},
    {"env", 'e', "NAME=VALUE", "", kPilot,
     "htcondor: a variable of every job that does not set it itself; repeatable"},
    {"bind", 0, "SOURCE[:TARGET[:ro]]", "", kPilot,
     "htcondor: show a folder or file of the pod in every job; repeatable"},
    {"listen", 0, "ADDRESS:PORT", "", kPilot,
     "serve /livez, /readyz and /metrics (Prometheus) there; \":9464\" is all of the pod's "
     "addresses"},
    {"cpus", 0, "N", "", kPilot, "CPUs to lend; else all that this process may run on"},
    {"memory", 0, "SIZE", "", kPilot, "memory to lend; else the pod's limit, less a reserve"},
    {"pids-limit", 0, "N", "", kPilot | kRun,
     "processes and threads of a job, at most; else any number"},
    {"jobs", 0, "N", "", kPilot, "jobs at once; else as many as CPUs"},
    {"drain", 0, "", "", kPilot, "end when the scheduler has nothing queued and nothing running"},
    {"idle-exit", 0, "TIME", "", kPilot, "end after so long without a job"},
    {"accept-for", 0, "TIME", "", kPilot, "take no new jobs after so long, and end after the last"},
    {"retirement", 0, "TIME", "", kPilot,
     "after --accept-for or an administrator's graceful drain: stop what still runs after so long; "
     "else it may end by itself"},
    {"drain-for", 0, "TIME", "", kPilot,
     "spool: after SIGTERM: stop what still runs after so long; else it may end by itself"},
    {"grace", 0, "TIME", "10s", kPilot,
     "between SIGTERM and SIGKILL when a job is stopped or over its time; htcondor: between the "
     "pilot's SIGTERM and its end, of which a quarter (10s at most) is kept for outputs"},

    {"entrypoint", 0, "PROGRAM", "", kRun, "run this instead of the image's entrypoint"},
    {"env", 'e', "NAME=VALUE", "", kRun, "set a variable; NAME alone takes ours; repeatable"},
    {"env-file", 0, "FILE", "", kRun, "variables, one a line, as docker reads them; repeatable"},
    {"workdir", 'w', "FOLDER", "", kRun, "working folder inside; else the image's"},
    {"user", 'u', "USER[:GROUP]", "", kRun, "name or id inside; else the image's"},
    {"volume", 'v', "SOURCE:TARGET[:ro]", "", kRun, "show a folder or file inside; repeatable"},
    {"bind", 0, "SOURCE:TARGET[:ro]", "", kRun, "the same as --volume"},
    {"tmpfs", 0, "TARGET[:SIZE]", "", kRun, "an empty filesystem in memory; repeatable"},
    {"device", 0, "/dev/NODE", "", kRun, "show one more of the pod's devices; repeatable"},
    {"network", 0, "host|none", "host", kRun, "the pod's network, or none but 127.0.0.1"},
    {"hostname", 0, "NAME", "", kRun, "name of the machine inside; else the pod's"},
    {"read-only", 0, "", "", kRun, "the image's files; volumes and tmpfs can be written as ever"},
    {"fake-root", 0, "", "", kRun,
     "let chown, setuid and their like succeed without doing anything: apt-get, tar -p, daemons"},
    {"tty", 't', "", "", kRun, "give the program a terminal of its own"},
    {"time-limit", 0, "TIME", "", kRun, "SIGTERM after so long, SIGKILL 10 s later"},
    {"memory", 0, "SIZE", "", kRun, "of all processes together; over it they are killed"},
    {"disk", 0, "SIZE", "", kRun, "of all that is written to the image's tree, the same"},
    {"cpu-time", 0, "TIME", "", kRun, "of all processes together, the same"},
    {"cpus", 0, "N", "", kRun, "CPUs to run on; else all that this process may run on"},
    {"pull", 0, "POLICY", "missing", kRun, "missing, always (ask the registry) or never"},
    {"print-plan", 0, "", "", kRun, "tell the steps that make the sandbox, and run nothing"},
    {"json", 0, "", "", kCache | kDoctor | kVersion | kQueue | kPull, "for scripts"},
    {"purge", 0, "AGE", "", kQueue, "remove jobs that ended longer ago than this"},
    {"reason", 0, "TEXT", "", kCancel, "to be kept with the job"},
    {"size", 0, "SIZE", "", kCache, "gc: make the cache no larger than this"},
    {"free", 0, "SIZE|N%", "", kCache, "gc: make room until the volume has so much free"},
    {"remove", 0, "", "", kCache, "verify: remove what is damaged"},

    {"cache", 0, "FOLDER", "", kImages | kCache | kDoctor,
     "unpacked images; else ~/.cache/podpilot, or /pod/cache in a pod"},
    {"cache-size", 0, "SIZE", "", kPilot,
     "remove images that do not run, longest unused first, when all take more than this"},
    {"cache-free", 0, "SIZE|N%", "15%", kPilot,
     "the same when the volume has less free than this, as a kubelet does; 0: never"},
    {"trust-cache-locks", 0, "", "", kImages | kCache | kDoctor,
     "write to a cache on a filesystem of several nodes: its locks hold, or one node alone writes"},
    {"scratch", 0, "FOLDER", "", kPilot | kRun | kDoctor,
     "jobs while they run; else scratch/ in the cache"},
    {"sandbox", 0, "RUNG", "auto", kPilot | kRun,
     "auto, userns, userns-nomount, transplant-setuid or transplant"},
    {"require-isolation", 0, "LIST", "signals", kPilot | kRun | kDoctor,
     "no job without: pids,mounts,uid,signals,metadata,memory,network; or none"},
    {"writable-image", 0, "", "", kPilot | kRun,
     "let jobs write to /usr, /bin, /lib, too, where that costs a copy of the image for each"},
    {"share-between-users", 0, "", "", kPilot | kDoctor,
     "take jobs of several users where the sandbox would make the pod one user's"},
    {"image", 0, "IMAGE", "", kDoctor,
     "ask its registry for it; HOST/ asks only whether the registry is there"},
    {"registry-config", 0, "FILE", "", kImages | kDoctor,
     "docker's config.json with credentials; else $DOCKER_CONFIG or ~/.docker/config.json"},
    {"registries-conf", 0, "FILE", "", kImages | kDoctor,
     "containers' registries.conf with mirrors; else $CONTAINERS_REGISTRIES_CONF or its usual "
     "places"},
    {"registry-mirror", 0, "HOST[/PATH]", "", kImages,
     "ask this registry first for images of docker.io"},
    {"events-fd", 0, "N", "", kPull,
     "tell what happens on this descriptor, one JSON object a line"},
    {"config-fd", 0, "N", "", kPull,
     "take the machine's configuration files from this descriptor, as a pilot hands them on"},
    {"login-fd", 0, "N", "", kPull,
     "take a docker config.json that counts before the others from this descriptor, and put the "
     "image into the cache without its name, where only its digest finds it"},
    {"quiet", 'q', "", "", kRun | kPull, "no progress"},
    {"log-level", 0, "LEVEL", "", kPilot | kRun | kPull, "debug, info, warning or error"},
    {"log-format", 0, "FORMAT", "text", kPilot | kRun | kPull, "text or json"},
    {"help", 'h', "", "", kAll, "this text"},
});

inline constexpr auto kCommands = std::to_array<CommandText>({
    {kPilot, "pilot", "", "take jobs from a scheduler and run them (the pod's entrypoint)",
     "Takes jobs from a scheduler and runs each in its own image. SIGTERM drains: what runs may\n"
     "end by itself. A second SIGTERM stops the jobs, which go back to the scheduler.\n"
     "Exit codes: 0 idle, drained or retired, 78 an option is wrong, 125 this pod could not work.",
     "  podpilot pilot --scheduler spool:/work/spool --cache /work/cache --drain\n"
     "  podpilot pilot --scheduler spool:/work/spool --jobs 2 --idle-exit 10m\n"},
    {kRun, "run", "IMAGE [--] [COMMAND ARGUMENT...]", "pull an image if needed and run it once",
     "Pulls IMAGE if it is not in the cache, runs it in a sandbox and ends with its exit code.\n"
     "125: podpilot failed, 126: not executable, 127: not found, 128+n: killed by signal n.",
     "  podpilot run docker://docker.io/library/debian:12 -- cat /etc/os-release\n"
     "  podpilot run -t -v $PWD:/work -w /work localhost:5000/python:3 python3\n",
     true},
    {kPull, "pull", "IMAGE...", "fill the cache; print the digests",
     "Pulls images into the cache and prints the digest of each. IMAGE is as for run, in a "
     "registry or as\n"
     "oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE.",
     "  podpilot pull docker://localhost:5000/tool:1\n"
     "  podpilot pull docker-archive:tool.tar\n"},
    {kCache, "cache", "ls|verify|gc", "look at the cache, check it, make room",
     "ls lists images and layers, verify compares every file with what was unpacked,\n"
     "gc removes what was not used for longest until the cache is no larger than --size,\n"
     "or its volume has --free bytes free. What runs stays. A pilot does that by itself.",
     "  podpilot cache verify --remove\n"
     "  podpilot cache gc --size 20GiB\n"},
    {kDoctor, "doctor", "", "what this pod allows, and what is missing",
     "Tries every way to shut a job in, for real, and looks at volumes, names, certificates, "
     "clock,\n"
     "registry and scheduler. Tells what would help as lines to paste. 0: jobs can run here.",
     "  kubectl exec POD -- /podpilot doctor --image registry.example/tool:1\n"
     "  podpilot doctor --scheduler spool:/work/spool --json\n"},
    {kSubmit, "submit", "SPOOL JOB.json...", "put jobs into a spool; print their ids",
     "Checks each job file, copies its inputs into the spool and prints the job's id.\n"
     "\"-\" reads a job from stdin.",
     "  podpilot submit /work/spool job.json\n"
     "  echo '{\"image\":\"localhost:5000/tool:1\"}' | podpilot submit /work/spool -\n"},
    {kQueue, "queue", "SPOOL [ID...]", "look at the jobs of a spool",
     "One line a job, or with --json one object a line.",
     "  podpilot queue /work/spool\n"
     "  podpilot queue /work/spool --purge 7d\n"},
    {kCancel, "cancel", "SPOOL ID...", "take jobs back",
     "A queued job is removed at once, a running one is stopped by its pilot.",
     "  podpilot cancel /work/spool 20260721T221530123456Z-9f3ab2c1\n"},
    {kVersion, "version", "", "what this binary is made of",
     "Version, commit and every library that is linked in.", "  podpilot version --json\n"},
});

}  // namespace podpilot::agent
