// SPDX-License-Identifier: Apache-2.0
#include "agent/doctor/remedies.h"

#include <algorithm>
#include <array>

namespace podpilot::agent {
namespace {

struct Row {
  Reason reason;
  std::string_view name;
  std::string_view text;
  std::string_view kubernetes;
  std::string_view podman;
  std::string_view node;
};

// The container's name is that of README's example.
constexpr std::array kRows = {
    Row{Reason::seccomp, "seccomp",
        "The pod's seccomp profile refuses new namespaces or mounts. Unconfined takes it from the "
        "pilot; each payload has podpilot's own filter all the same. A Localhost profile that "
        "allows clone with new namespaces, mount and pivot_root will do, too.",
        R"(spec:
  containers:
    - name: pilot
      securityContext:
        seccompProfile: {type: Unconfined}
)",
        "--security-opt seccomp=unconfined", ""},
    Row{Reason::apparmor, "apparmor",
        "AppArmor's profile refuses mounts. Without it the pilot is shut in by its user, its "
        "capabilities and its namespaces, and each payload by its own sandbox; a Localhost profile "
        "that allows userns, mount and pivot_root will do, too.",
        R"(spec:
  containers:
    - name: pilot
      securityContext:
        appArmorProfile: {type: Unconfined}
)",
        "--security-opt apparmor=unconfined", ""},
    Row{Reason::apparmor_userns, "apparmor-userns",
        "The node's AppArmor takes all capabilities from unprivileged user namespaces (Ubuntu "
        "23.10 and newer), which no pod spec can undo. Lifting it lets every process of the node "
        "make them, as it is on other distributions.",
        "", "", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
    Row{Reason::selinux, "selinux",
        "SELinux keeps containers from making user namespaces or mounts. container_engine_t may "
        "make them; what it may reach of the node is less restricted than container_t.",
        R"(spec:
  containers:
    - name: pilot
      securityContext:
        seLinuxOptions: {type: container_engine_t}
)",
        "--security-opt label=type:container_engine_t", ""},
    Row{Reason::max_user_namespaces, "max-user-namespaces",
        "The node allows no user namespaces. Lifting it lets every process of the node make them, "
        "which is the kernel's default.",
        "", "", "sysctl -w user.max_user_namespaces=65536"},
    Row{Reason::unprivileged_userns_clone, "unprivileged-userns-clone",
        "The node allows user namespaces to root only. Lifting it lets every process of the node "
        "make them, which is the kernel's default.",
        "", "", "sysctl -w kernel.unprivileged_userns_clone=1"},
    Row{Reason::masked_proc, "masked-proc",
        "The pod's /proc is masked, so jobs see that of the pod, where ps and gdb do not find "
        "their processes. Unmasked needs hostUsers: false (Kubernetes 1.33), which makes the pod's "
        "root nobody on the node.",
        R"(spec:
  hostUsers: false
  containers:
    - name: pilot
      securityContext:
        procMount: Unmasked
)",
        "--security-opt unmask=ALL", ""},
    Row{Reason::not_root, "not-root",
        "Jobs can have a uid of their own only if the pilot may change to it: as root, with these "
        "capabilities and no others. With hostUsers: false it is root in the pod alone.",
        R"(spec:
  hostUsers: false
  containers:
    - name: pilot
      securityContext:
        runAsNonRoot: false
        runAsUser: 0
        capabilities:
          drop: [ALL]
          add: [CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID]
)",
        "--user 0 --cap-drop all "
        "--cap-add CHOWN,DAC_OVERRIDE,FOWNER,KILL,SETGID,SETUID",
        ""},
    Row{Reason::no_capabilities, "no-capabilities",
        "The pilot is root without the capabilities to give a job a uid of its own.",
        R"(spec:
  containers:
    - name: pilot
      securityContext:
        capabilities:
          drop: [ALL]
          add: [CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID]
)",
        "--cap-drop all --cap-add CHOWN,DAC_OVERRIDE,FOWNER,KILL,SETGID,SETUID", ""},
    Row{Reason::root_pilot, "root-pilot",
        "Root without capabilities is less than an ordinary user: it can map no user namespace, "
        "and a payload of its uid would own the pod's devices.",
        R"(spec:
  containers:
    - name: pilot
      securityContext:
        runAsNonRoot: true
        runAsUser: 1000
)",
        "--user 1000", ""},
    Row{Reason::landlock, "landlock",
        "The kernel has no Landlock, or one that is too old: what a payload in the pod's own root "
        "may reach cannot be limited.",
        "", "", "Linux 5.19 or newer (6.12 for all guarantees), booted with landlock in lsm="},
    Row{Reason::kernel, "kernel", "The kernel is too old for this rung.", "", "",
        "Linux 5.11 or newer"},
    Row{Reason::volume, "volume",
        "Cache and scratch want a volume of the pod's own that can be written to, whose files may "
        "be executed, and on which an overlay can be mounted; the container's root is none.",
        R"(spec:
  containers:
    - name: pilot
      volumeMounts:
        - {name: pod, mountPath: /pod}
  volumes:
    - name: pod
      emptyDir: {}
)",
        "--volume pod:/pod:exec", ""},
    Row{Reason::own_folder, "own-folder",
        "Below this rung jobs decide what is at most paths of the pod: what is the pilot's must be "
        "on a volume outside of them.",
        R"(spec:
  containers:
    - name: pilot
      env:
        - {name: PODPILOT_CACHE, value: /pod/cache}
      volumeMounts:
        - {name: pod, mountPath: /pod}
  volumes:
    - name: pod
      emptyDir: {}
)",
        "--volume pod:/pod:exec --env PODPILOT_CACHE=/pod/cache", ""},
    Row{Reason::layout, "layout",
        "Without mounts an image is shown by links in the pod's root, which podpilot's own image "
        "has (Dockerfile, scripts/pilot-root), and a volume at /pod.",
        R"(spec:
  containers:
    - name: pilot
      image: registry.example/podpilot:0.1
      volumeMounts:
        - {name: pod, mountPath: /pod}
  volumes:
    - name: pod
      emptyDir: {}
)",
        "--volume pod:/pod:exec", ""},
    Row{Reason::full_disk, "full-disk",
        "Make room: 'podpilot cache gc --size N', or a larger volume.", "", "", ""},
    Row{Reason::resolver, "resolver",
        "No name server answers for the pod: check dnsPolicy, and what the pod's network lets "
        "through to port 53.",
        R"(spec:
  dnsPolicy: ClusterFirst
)",
        "--dns ADDRESS", ""},
    Row{Reason::authorities, "authorities",
        "Registries with a certificate of a private authority need its bundle in $SSL_CERT_FILE.",
        R"(spec:
  containers:
    - name: pilot
      env:
        - {name: SSL_CERT_FILE, value: /authorities/ca.crt}
      volumeMounts:
        - {name: authorities, mountPath: /authorities, readOnly: true}
  volumes:
    - name: authorities
      configMap: {name: authorities}
)",
        "--volume ./authorities:/authorities:ro --env SSL_CERT_FILE=/authorities/ca.crt", ""},
    Row{Reason::clock, "clock",
        "With a wrong clock certificates and tokens are not valid, and leases of jobs may lapse.",
        "", "", "timedatectl set-ntp true"},
};

}  // namespace

Remedy remedy_of(Reason reason) {
  const auto row = std::ranges::find(kRows, reason, &Row::reason);
  if (row == kRows.end()) return {};
  return {row->name, std::string(row->text), row->kubernetes, row->podman, row->node};
}

Remedy advice(Reason reason, std::string text) {
  Remedy out = remedy_of(reason);
  if (out.empty())
    out.reason = reason == Reason::registry    ? "registry"
                 : reason == Reason::scheduler ? "scheduler"
                                               : "other";
  out.text = std::move(text);
  return out;
}

std::span<const Reason> reasons() {
  static constexpr auto kAll = [] {
    std::array<Reason, kRows.size()> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = kRows[i].reason;
    return all;
  }();
  return kAll;
}

}  // namespace podpilot::agent
