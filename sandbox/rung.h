// SPDX-License-Identifier: Apache-2.0
// The ladder: the ways in which a payload can be shut in, best first, and what each promises.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace podpilot::sandbox {

enum class Rung : std::uint8_t {
  userns,             // namespaces of every kind and an overlay (Linux 5.11)
  userns_nomount,     // user, pid and ipc namespaces; the pod's own root shows the image (5.13)
  transplant_setuid,  // the pod's own root shows the image; the payload has a uid of its own (5.13)
  transplant,         // likewise with the pilot's uid: Landlock and seccomp stand between (5.13)
};

inline constexpr std::array kLadder = {Rung::userns, Rung::userns_nomount, Rung::transplant_setuid,
                                       Rung::transplant};

std::string_view to_string(Rung rung);
std::optional<Rung> parse_rung(std::string_view name);

// What a payload cannot do to its pilot and to other jobs; the names of --require-isolation.
enum class Guarantee : std::uint8_t {
  pids,     // numbers of its own: reaches no process of the pilot's, and all of its own die with it
  mounts,   // sees no file of the pod but those that its job names
  uid,      // another uid of the kernel's than the pilot's
  signals,  // cannot signal or trace the pilot
  metadata,  // cannot change mode, times or attributes of the pilot's files
  memory,    // a limit on the job's memory that the kernel itself holds
  network,   // --network none is a namespace, not only a filter
};

inline constexpr std::array kGuarantees = {
    Guarantee::pids,     Guarantee::mounts, Guarantee::uid,    Guarantee::signals,
    Guarantee::metadata, Guarantee::memory, Guarantee::network};

std::string_view to_string(Guarantee guarantee);

class Guarantees {
 public:
  constexpr Guarantees() = default;
  constexpr Guarantees(std::initializer_list<Guarantee> list) {
    for (const Guarantee guarantee : list) bits_ |= bit(guarantee);
  }
  constexpr bool has(Guarantee guarantee) const { return (bits_ & bit(guarantee)) != 0; }
  constexpr void add(Guarantee guarantee) { bits_ |= bit(guarantee); }
  // What is in `wanted` and not in this.
  constexpr Guarantees missing(Guarantees wanted) const {
    return Guarantees(wanted.bits_ & ~bits_);
  }
  constexpr bool empty() const { return bits_ == 0; }
  std::string text() const;  // names with commas; "none"

  bool operator==(const Guarantees&) const = default;

 private:
  constexpr explicit Guarantees(unsigned bits) : bits_(bits) {}
  static constexpr unsigned bit(Guarantee guarantee) {
    return 1U << static_cast<unsigned>(guarantee);
  }
  unsigned bits_ = 0;
};

// "pids,mounts"; "none" asks for nothing. Fault::invalid names the word that is not one.
Result<Guarantees> parse_guarantees(std::string_view list);

// `landlock_abi` is the kernel's (landlock.h), `carries_out` whether call_service.h works,
// `holds_memory` whether jobs have control groups of their own.
Guarantees guarantees_of(Rung rung, int landlock_abi, bool carries_out, bool holds_memory);

// Whether a pod of this rung is for one user's jobs alone, because of what it cannot promise.
bool serves_one_user(Rung rung);

// Whether jobs see their image in the pod's own root, which shows one at a time.
constexpr bool uses_pod_root(Rung rung) {
  return rung != Rung::userns;
}

}  // namespace podpilot::sandbox
