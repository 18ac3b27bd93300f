// SPDX-License-Identifier: Apache-2.0
#include "sandbox/probe.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "sandbox/base/deadline.h"
#include "sandbox/base/path.h"
#include "sandbox/call_service.h"
#include "sandbox/idmap.h"
#include "sandbox/landlock.h"

namespace podpilot::sandbox {
namespace {

constexpr std::chrono::seconds kPatience{5};

// Not there in an empty image: "no such program" is said after every other step has worked.
constexpr const char* kNoProgram = "/podpilot-probe";

// A name at the top of every image that has programs.
constexpr const char* kPrograms = "usr";

Result<Report> last_report(const Sandbox& sandbox, Deadline deadline) {
  for (;;) {
    pollfd reports{sandbox.reports().get(), POLLIN, 0};
    if (::poll(&reports, 1, deadline.poll_timeout()) == 0)
      return Error{Fault::unsupported, "no answer within 5 s"};
    const std::optional<Received> received = TRY(receive_report(sandbox.reports()));
    if (received && received->report.kind > ReportKind::started) return received->report;
  }
}

// A Spec for an image that holds nothing.
Result<Spec> empty_image(const Pod& pod, BorrowedFd workspace, const std::string& path) {
  Spec spec;
  spec.workspace = path;
  spec.argv = {kNoProgram};
  const DirFd layer = TRY(make_dir_at(workspace, "layer", 0755));
  spec.layers = {path + "/layer"};
  if (pod.rung == Rung::userns) return spec;
  const DirFd root = TRY(make_dir_at(workspace, "root", 0755));
  const DirFd programs = TRY(make_dir_at(root, kPrograms, 0755));
  spec.root = path + "/root";
  spec.root_names = {kPrograms};
  return spec;
}

Result<Pod> look_at_pod(Rung rung) {
  Pod pod{.rung = rung,
          .layout = {},
          .landlock_abi = landlock_abi(),
          .uid = ::geteuid(),
          .gid = ::getegid()};
  if (rung == Rung::userns) return pod;
  if (rung == Rung::transplant && pod.uid == 0)
    return Error{
        Fault::unsupported,
        "a payload with the pilot's own uid would be root, the owner of the pod's devices"};
  pod.layout = TRY(discover_layout());
  pod.carries_out = rung != Rung::transplant_setuid && call_service_works();
  if (rung == Rung::transplant_setuid) pod.job_id = TRY(job_id(0));
  return pod;
}

// Up to the end of everything.
Result<Report> fly(Launcher& launcher, const Plan& plan) {
  Result<Sandbox> sandbox = launcher.launch(plan, {BorrowedFd(0), BorrowedFd(1), BorrowedFd(2)});
  if (!sandbox) return std::move(sandbox).error();
  Result<Report> report = last_report(*sandbox, Deadline::after(kPatience));
  if (!report) [[maybe_unused]]
    const auto killed = sandbox->kill_now();
  pollfd ended{sandbox->ended().get(), POLLIN, 0};
  ::poll(&ended, 1, static_cast<int>(kPatience.count()) * 1000);
  return report;
}

}  // namespace

Result<Trial> try_rung(Launcher& launcher, Rung rung, const std::string& folder) {
  const DirFd parent = TRY(open_dir(folder));
  const std::string name = fmt::format("probe-{}", ::getpid());
  Trial trial;
  const Clock::time_point start = Clock::now();
  Result<Pod> pod = look_at_pod(rung);
  if (!pod) {
    trial.pod.rung = rung;
    trial.pod.uid = ::geteuid();
    trial.refusal = pod.error().text;
    return trial;
  }
  trial.pod = *std::move(pod);
  const DirFd workspace = TRY(make_dir_at(parent, name, 0711));
  const Spec spec = TRY(empty_image(trial.pod, workspace, folder + "/" + name));
  const Result<Plan> plan = make_plan(trial.pod, spec);
  const Result<Report> report = plan ? fly(launcher, *plan) : Result<Report>(plan.error());
  trial.took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
  [[maybe_unused]] const auto removed = remove_tree(parent, name);
  trial.works =
      report && report->kind == ReportKind::not_executed && report->fault == Fault::not_found;
  if (!trial.works) trial.refusal = report ? std::string(report->text) : report.error().text;
  return trial;
}

}  // namespace podpilot::sandbox
