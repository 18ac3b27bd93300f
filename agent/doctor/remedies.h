// SPDX-License-Identifier: Apache-2.0
// What holds a pod back, and the lines that lift it.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace podpilot::agent {

enum class Reason {
  none,
  seccomp,
  apparmor,
  apparmor_userns,
  selinux,
  max_user_namespaces,
  unprivileged_userns_clone,
  masked_proc,
  not_root,
  no_capabilities,
  root_pilot,
  landlock,
  kernel,
  volume,
  own_folder,
  layout,
  full_disk,
  resolver,
  authorities,
  clock,
  registry,
  scheduler,
};

struct Remedy {
  std::string_view reason;      // stable, for scripts; "" for none
  std::string text;             // what is the matter, and what lifting it means
  std::string_view kubernetes;  // YAML of a pod, as a patch; "" where a pod spec cannot help
  std::string_view podman;      // options of `podman run`
  std::string_view node;        // a command or a setting, for whoever runs the node

  bool empty() const { return text.empty(); }
};

Remedy remedy_of(Reason reason);

// One that is no line to paste.
Remedy advice(Reason reason, std::string text);

// All that the table has, for tests.
std::span<const Reason> reasons();

}  // namespace podpilot::agent
