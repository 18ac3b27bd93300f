// SPDX-License-Identifier: Apache-2.0
#include "agent/doctor/diagnosis.h"

#include <string_view>

#include "sandbox/base/text.h"
#include "sandbox/capabilities.h"

namespace podpilot::agent {
namespace {

constexpr std::uint64_t kSetuidCapabilities =
    sandbox::cap_bit(CAP_CHOWN) | sandbox::cap_bit(CAP_DAC_OVERRIDE) |
    sandbox::cap_bit(CAP_FOWNER) | sandbox::cap_bit(CAP_KILL) | sandbox::cap_bit(CAP_SETGID) |
    sandbox::cap_bit(CAP_SETUID);

bool older(const PodFacts& facts, int major, int minor) {
  return facts.kernel_major != 0 && (facts.kernel_major < major ||
                                     (facts.kernel_major == major && facts.kernel_minor < minor));
}

// "system_u:system_r:container_t:s0:c1,c2"; AppArmor's are "cri-containerd.apparmor.d (enforce)".
bool is_selinux(std::string_view label) {
  return split(label, ':').size() >= 4;
}

Reason diagnose_namespaces(std::string_view refusal, const PodFacts& facts) {
  const auto says = [&](const char* word) { return refusal.find(word) != std::string_view::npos; };
  if (facts.unprivileged_userns_clone == "0") return Reason::unprivileged_userns_clone;
  if (facts.max_user_namespaces == "0" || says("ENOSPC")) return Reason::max_user_namespaces;
  // user_namespaces(7): the parent's 0 is mapped by whoever has CAP_SETFCAP.
  if (says("EPERM") && says("uid_map")) return Reason::root_pilot;
  if (says("EACCES") && is_selinux(facts.lsm_label)) return Reason::selinux;
  if (facts.restrict_unprivileged_userns == "1") return Reason::apparmor_userns;
  if (says("EACCES")) return Reason::apparmor;
  if (says("EINVAL") && says("overlay"))
    return older(facts, 5, 11) ? Reason::kernel : Reason::volume;
  if ((says("EPERM") || says("ENOSYS")) && facts.seccomp) return Reason::seccomp;
  return older(facts, 5, 11) ? Reason::kernel : Reason::none;
}

}  // namespace

Reason diagnose(const sandbox::Trial& trial, const PodFacts& facts) {
  using sandbox::Rung;
  const std::string& refusal = trial.refusal;
  const auto says = [&](const char* word) { return refusal.find(word) != std::string::npos; };
  if (trial.works) return Reason::none;
  if (says("where jobs would see")) return Reason::own_folder;
  if (says("another podpilot's, too")) return Reason::volume;
  if (trial.pod.rung == Rung::transplant_setuid && trial.pod.uid != 0) return Reason::not_root;
  if (trial.pod.rung == Rung::transplant && trial.pod.uid == 0) return Reason::root_pilot;
  if (says("cannot show")) return Reason::layout;
  if (says("Landlock") || says("landlock")) return Reason::landlock;
  if (trial.pod.rung == Rung::transplant_setuid)
    return (facts.capabilities & kSetuidCapabilities) == kSetuidCapabilities
               ? Reason::none
               : Reason::no_capabilities;
  if (trial.pod.rung == Rung::transplant)
    return older(facts, 5, 13) ? Reason::landlock : Reason::none;
  return diagnose_namespaces(refusal, facts);
}

}  // namespace podpilot::agent
