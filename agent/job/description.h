// SPDX-License-Identifier: Apache-2.0
// What a job asks for, in the terms of no particular scheduler.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oci/http/secret.h"
#include "sandbox/spec.h"

namespace podpilot::agent {

struct Resources {
  unsigned cpus = 0;
  std::uint64_t memory = 0;  // bytes; 0: not said
  std::uint64_t disk = 0;    // bytes of scratch; 0: not said

  bool operator==(const Resources&) const = default;
};

// Limits that a running job can be over.
enum class Excess { memory, disk, cpu_time, processes };

enum class PullPolicy { missing, always, never };

// A path of the outside shown inside the sandbox.
struct Bind {
  std::string source;  // absolute, outside
  std::string target;  // absolute, inside
  bool writable = false;
  bool operator==(const Bind&) const = default;
};

// An empty filesystem in memory.
struct Tmpfs {
  std::string target;
  std::uint64_t size = 0;  // bytes; 0: half of the machine's memory
  bool operator==(const Tmpfs&) const = default;
};

struct JobDescription {
  std::string name;             // for logs and messages
  std::string image;            // as written; see oci/reference.h
  bool image_is_input = false;  // it is a folder that comes with the inputs: a path below the job's
  PullPolicy pull = PullPolicy::missing;
  // A docker config.json of the job's own, for its image alone; "" for none.
  oci::Secret registry_login;

  // As in Kubernetes: `command` replaces the image's Entrypoint, `args` its Cmd. A command without
  // args runs alone. "./prog" is found in the job's folder.
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::map<std::string, std::string> env;  // over the image's own
  std::string user;                        // over the image's own; "" leaves it
  std::string workdir;                     // inside; "" is the job's folder where there is one

  bool join_outputs = false;  // stderr goes where stdout goes
  int stop_signal = SIGTERM;  // what asks the payload to end
  // What it gets for that at most; nothing: as much as whoever stops it grants.
  std::optional<std::chrono::milliseconds> stop_grace;

  // Where the job's folder is seen inside ("" for none: `run` without scratch).
  std::string scratch = "/scratch";
  // Paths below the job's folder that go back after the run; a name that ends in "/" or names a
  // folder is taken with all below it.
  std::vector<std::string> outputs;
  // Said: another exit code, or a signal, counts as SendOutputs::failed (scheduler.h).
  std::optional<int> success_exit_code;
  std::vector<Bind> binds;
  std::vector<Tmpfs> tmpfs;
  std::vector<std::string> devices;  // see sandbox::Spec, as the next three
  sandbox::Network network = sandbox::Network::host;
  std::string hostname;
  bool read_only = false;
  bool fake_root = false;  // see sandbox::Filter::fake_root

  // Memory and disk are limits as well, where they are said.
  Resources request;
  unsigned processes = 0;                               // and threads, at most; 0: any number
  unsigned pinned_cpus = 0;                             // CPUs to run on; 0: all of the pod
  std::optional<std::chrono::milliseconds> time_limit;  // of the payload's run, not of the pull
  std::optional<std::chrono::milliseconds> cpu_time;    // of all its processes together
};

// What a job used. CPU times are those of all its processes, but for children of a process that
// ignores SIGCHLD, which the kernel adds to nobody.
struct Usage {
  std::chrono::microseconds user{0};
  std::chrono::microseconds system{0};
  std::uint64_t max_rss = 0;  // bytes, of the largest process, mapped files included
  // Bytes of the whole job, anonymous and shared, files in its tmpfs included: the highest sample
  // that was taken, or max_rss where that is more.
  std::uint64_t peak_memory = 0;
  std::uint64_t disk = 0;  // bytes in the job's folder and what it changed of the image, at its end
};

}  // namespace podpilot::agent
