// SPDX-License-Identifier: Apache-2.0
// What a job asks for, in the terms of no particular scheduler.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/spec.h"

namespace podpilot::agent {

struct Resources {
  unsigned cpus = 0;
  std::uint64_t memory = 0;  // bytes; 0: not said
  std::uint64_t disk = 0;    // bytes of scratch; 0: not said

  bool operator==(const Resources&) const = default;
};

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
  std::string name;   // for logs and messages
  std::string image;  // as written; see oci/reference.h
  PullPolicy pull = PullPolicy::missing;

  // As in Kubernetes: `command` replaces the image's Entrypoint, `args` its Cmd. A command without
  // args runs alone. "./prog" is found in the job's folder.
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::map<std::string, std::string> env;  // over the image's own
  std::string user;                        // over the image's own; "" leaves it
  std::string workdir;                     // inside; "" is the job's folder where there is one

  // Where the job's folder is seen inside ("" for none: `run` without scratch).
  std::string scratch = "/scratch";
  // Paths below the job's folder that go back after the run; a name that ends in "/" or names a
  // folder is taken with all below it.
  std::vector<std::string> outputs;
  std::vector<Bind> binds;
  std::vector<Tmpfs> tmpfs;
  std::vector<std::string> devices;  // see sandbox::Spec, as the next three
  sandbox::Network network = sandbox::Network::host;
  std::string hostname;
  bool read_only = false;
  bool fake_root = false;  // see sandbox::Filter::fake_root

  Resources request;
  std::optional<std::chrono::milliseconds> time_limit;  // of the payload's run, not of the pull
};

// What a job used. Times of CPU are of the whole process tree as far as it was reaped.
struct Usage {
  std::chrono::microseconds user{0};
  std::chrono::microseconds system{0};
  std::uint64_t max_rss = 0;  // bytes, of the largest process
};

}  // namespace podpilot::agent
