// SPDX-License-Identifier: Apache-2.0
#include "agent/doctor/left_open.h"

#include <array>

#include "sandbox/landlock.h"

namespace podpilot::agent {
namespace {

using sandbox::Rung;

bool shares_uid(const Standing& at) {
  return at.rung == Rung::userns_nomount || at.rung == Rung::transplant;
}

bool shares_root(const Standing& at) {
  return sandbox::uses_pod_root(at.rung);
}

bool unscoped(const Standing& at) {
  return at.rung == Rung::transplant && at.landlock_abi < sandbox::kScopingAbi;
}

bool sees_pod_proc(const Standing& at) {
  return at.rung == Rung::userns && at.masked_proc;
}

struct Row {
  LeftOpen item;
  bool (*holds)(const Standing&);
};

constexpr std::array kRows = {
    Row{{"signals", "can signal, stop and end the pilot and its helpers"}, unscoped},
    Row{{"metadata",
         "can change mode, owner, times and attributes of all files of the pilot's uid"},
        [](const Standing& at) { return shares_uid(at) && !at.carries_out; }},
    Row{{"volume-times",
         "can set times and attributes of what is open to all on the pod's volumes"},
        [](const Standing& at) { return at.rung == Rung::transplant_setuid; }},
    Row{{"processes", "sees the pilot and its helpers in /proc, with their command lines"},
        shares_root},
    Row{{"pulls", "sees pulls of images in /proc, with their command lines"}, sees_pod_proc},
    Row{{"pull-descriptors", "sees the numbers of a pull's descriptors and mapped files"},
        [](const Standing& at) { return sees_pod_proc(at) && at.root_pilot; }},
    Row{{"paths", "can tell which paths the pod has, that of a token for one"}, shares_root},
    Row{{"socket-paths", "can connect to unix sockets that have a path in a volume of the pod"},
        shares_root},
    Row{{"watches", "can watch what changes in folders of the pod that its uid may read"},
        shares_root},
    Row{{"proc-numbers", "finds other numbers in /proc than its own: ps, top and gdb do not work"},
        [](const Standing& at) { return sees_pod_proc(at) || at.rung == Rung::userns_nomount; }},
    Row{{"placement",
         "cannot place its threads on processors by their number: OMP_PROC_BIND does not work"},
        [](const Standing& at) { return at.rung == Rung::transplant && !at.carries_out; }},
    Row{{"debuggers", "cannot trace its own processes: gdb and strace do not work"}, unscoped},
};

}  // namespace

std::vector<LeftOpen> left_open(const Standing& standing) {
  std::vector<LeftOpen> out;
  for (const Row& row : kRows)
    if (row.holds(standing)) out.push_back(row.item);
  return out;
}

}  // namespace podpilot::agent
