// SPDX-License-Identifier: Apache-2.0
#include "agent/doctor/diagnosis.h"

#include <set>

#include "sandbox/capabilities.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;
using sandbox::Rung;

namespace {

sandbox::Trial refused(Rung rung, const std::string& refusal, std::uint32_t uid = 1000) {
  sandbox::Trial trial;
  trial.pod.rung = rung;
  trial.pod.uid = uid;
  trial.refusal = refusal;
  return trial;
}

PodFacts modern() {
  PodFacts facts;
  facts.max_user_namespaces = "100000";
  facts.kernel_major = 6;
  facts.kernel_minor = 1;
  return facts;
}

constexpr const char* kClone = "clone with new namespaces: EPERM (Operation not permitted)";
constexpr const char* kMount = "mount overlay: EACCES (Permission denied)";

}  // namespace

TEST_CASE("who refuses namespaces and mounts follows from errno and the pod", "[agent][doctor]") {
  PodFacts filtered = modern();
  filtered.seccomp = true;
  CHECK(diagnose(refused(Rung::userns, kClone), filtered) == Reason::seccomp);
  CHECK(diagnose(refused(Rung::userns_nomount, kClone), filtered) == Reason::seccomp);
  CHECK(diagnose(refused(Rung::userns, kClone), modern()) == Reason::none);
  CHECK(diagnose(refused(Rung::userns, "write uid_map: EPERM (Operation not permitted)", 0),
                 filtered) == Reason::root_pilot);
  CHECK(diagnose(refused(Rung::userns, "clone with new namespaces: ENOSPC (No space)"), filtered) ==
        Reason::max_user_namespaces);

  PodFacts debian = filtered;
  debian.unprivileged_userns_clone = "0";
  CHECK(diagnose(refused(Rung::userns, kClone), debian) == Reason::unprivileged_userns_clone);
  PodFacts zero = filtered;
  zero.max_user_namespaces = "0";
  CHECK(diagnose(refused(Rung::userns, kClone), zero) == Reason::max_user_namespaces);

  PodFacts apparmor = modern();
  apparmor.lsm_label = "cri-containerd.apparmor.d (enforce)";
  CHECK(diagnose(refused(Rung::userns, kMount), apparmor) == Reason::apparmor);
  PodFacts selinux = modern();
  selinux.lsm_label = "system_u:system_r:container_t:s0:c1,c2";
  CHECK(diagnose(refused(Rung::userns, kMount), selinux) == Reason::selinux);
  PodFacts ubuntu = modern();
  ubuntu.restrict_unprivileged_userns = "1";
  CHECK(diagnose(refused(Rung::userns, kMount), ubuntu) == Reason::apparmor_userns);

  const char* overlay = "mount overlay: EINVAL (Invalid argument)";
  CHECK(diagnose(refused(Rung::userns, overlay), modern()) == Reason::volume);
  PodFacts old = modern();
  old.kernel_major = 5;
  old.kernel_minor = 10;
  CHECK(diagnose(refused(Rung::userns, overlay), old) == Reason::kernel);
}

TEST_CASE("what the rungs in the pod's own root lack", "[agent][doctor]") {
  PodFacts root = modern();
  CHECK(diagnose(refused(Rung::transplant_setuid, "x"), root) == Reason::not_root);
  CHECK(diagnose(refused(Rung::transplant_setuid, "setuid: EPERM", 0), root) ==
        Reason::no_capabilities);
  root.capabilities = sandbox::kPayloadCapabilities;
  CHECK(diagnose(refused(Rung::transplant_setuid, "x", 0), root) == Reason::none);
  CHECK(diagnose(refused(Rung::transplant, "x", 0), root) == Reason::root_pilot);
  CHECK(diagnose(refused(Rung::transplant, "/usr, which this pod's root cannot show"), modern()) ==
        Reason::layout);
  CHECK(diagnose(refused(Rung::transplant, "the kernel has no Landlock"), modern()) ==
        Reason::landlock);
  CHECK(diagnose(refused(Rung::userns_nomount, "/var/x lies where jobs would see their image"),
                 modern()) == Reason::own_folder);
  CHECK(diagnose(refused(Rung::transplant, "/pod/cache is another podpilot's, too"), modern()) ==
        Reason::volume);
  sandbox::Trial works = refused(Rung::transplant, "");
  works.works = true;
  CHECK(diagnose(works, modern()) == Reason::none);
}

TEST_CASE("every remedy says why, and gives something to paste or to run", "[agent][doctor]") {
  std::set<std::string_view> names;
  for (const Reason reason : reasons()) {
    const Remedy remedy = remedy_of(reason);
    CAPTURE(remedy.reason);
    CHECK(names.insert(remedy.reason).second);
    CHECK(remedy.text.ends_with('.'));
    CHECK((remedy.kubernetes.empty() || remedy.kubernetes.starts_with("spec:\n")));
    CHECK(remedy.kubernetes.empty() == remedy.podman.empty());
    if (reason != Reason::full_disk) CHECK(remedy.kubernetes.empty() != remedy.node.empty());
  }
  CHECK(remedy_of(Reason::none).empty());
}
