// SPDX-License-Identifier: Apache-2.0
#include "sandbox/probe.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "sandbox/base/deadline.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"

namespace podpilot::sandbox {
namespace {

constexpr std::chrono::seconds kPatience{5};

// Not there in an empty image: "no such program" is said after every other step has worked.
constexpr const char* kNoProgram = "/podpilot-probe";

Result<Report> last_report(const Sandbox& sandbox, Deadline deadline) {
  for (;;) {
    pollfd reports{sandbox.reports().get(), POLLIN, 0};
    if (::poll(&reports, 1, deadline.poll_timeout()) == 0)
      return Error{Fault::unsupported, "no answer within 5 s"};
    const std::optional<Received> received = TRY(receive_report(sandbox.reports()));
    if (received && received->report.kind > ReportKind::started) return received->report;
  }
}

bool ubuntu_restricts() {
  const Result<std::string> value =
      read_file("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 16);
  return value && value->starts_with("1");
}

std::string remedy_for(const std::string& refusal) {
  if (ubuntu_restricts())
    return "this kernel's AppArmor strips unprivileged user namespaces: on the node, run "
           "'sysctl kernel.apparmor_restrict_unprivileged_userns=0', or give the pod an AppArmor "
           "profile that allows userns and mount";
  const auto says = [&](const char* name) { return refusal.find(name) != std::string::npos; };
  if (says("ENOSPC")) return "on the node, raise the sysctl user.max_user_namespaces above 0";
  if (says("EINVAL") && says("overlay"))
    return "put --scratch on a volume (emptyDir): an overlay cannot lie on the container's own "
           "overlay; or the kernel is older than 5.11";
  if (says("EPERM") && says("uid_map"))  // user_namespaces(7): 0 is mapped with CAP_SETFCAP only
    return "root without capabilities is less than an ordinary user here: set securityContext."
           "runAsNonRoot: true and runAsUser: 1000";
  if (says("EACCES"))
    return "an LSM refuses it: set securityContext.appArmorProfile.type: Unconfined (or a "
           "Localhost profile with userns and mount), on SELinux a type that may create user "
           "namespaces";
  if (says("EPERM") || says("ENOSYS"))
    return "the seccomp profile refuses it: set securityContext.seccompProfile.type: Unconfined "
           "(or a Localhost profile that allows clone with new namespaces and mount)";
  return "";
}

}  // namespace

Result<ProbeResult> probe_userns(Launcher& launcher, const std::string& folder) {
  const DirFd parent = TRY(open_dir(folder));
  const std::string name = fmt::format("probe-{}", ::getpid());
  const DirFd workspace = TRY(make_dir_at(parent, name, 0700));
  const DirFd layer = TRY(make_dir_at(workspace, "layer", 0755));
  const std::string path = folder + "/" + name;
  Spec spec;
  spec.layers = {path + "/layer"};
  spec.workspace = path;
  spec.argv = {kNoProgram};
  const Plan plan = TRY(plan_userns(spec));
  ProbeResult result;
  const Clock::time_point start = Clock::now();
  Result<Sandbox> sandbox = launcher.launch(plan, {BorrowedFd(0), BorrowedFd(1), BorrowedFd(2)});
  Result<Report> report = Error{};
  if (!sandbox) {
    report = sandbox.error();
  } else {
    report = last_report(*sandbox, Deadline::after(kPatience));
    [[maybe_unused]] const auto killed = sandbox->kill_now();
    pollfd ended{sandbox->ended().get(), POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(kPatience.count()) * 1000);
  }
  result.took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
  [[maybe_unused]] const auto removed = remove_tree(parent, name);
  result.works =
      report && report->kind == ReportKind::not_executed && report->fault == Fault::not_found;
  if (result.works) return result;
  result.refusal = report ? std::string(report->text) : report.error().text;
  result.remedy = remedy_for(result.refusal);
  return result;
}

}  // namespace podpilot::sandbox
