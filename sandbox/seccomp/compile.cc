// SPDX-License-Identifier: Apache-2.0
// Build-time program: policy.h becomes classic BPF programs, written as C++ arrays to the file
// named by the only argument. The payload's filter is two, because libseccomp's rules for one call
// cannot say "all but these": kArguments refuses calls by their arguments and allows the rest,
// kSyscalls is the list. Each of the others is one that allows what it does not name.
#include <fcntl.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "sandbox/seccomp/policy.h"

namespace {

namespace policy = podpilot::sandbox::policy;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "seccomp_compile: %s\n", what.c_str());
  std::exit(1);
}

class Filter {
 public:
  explicit Filter(std::uint32_t default_action) : context_(seccomp_init(default_action)) {
    // i386 and x32 calls on x86-64: numbers that mean something else.
    if (!context_ ||
        seccomp_attr_set(context_, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)) != 0 ||
        seccomp_attr_set(context_, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)
      die("seccomp_init");
  }
  ~Filter() { seccomp_release(context_); }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  void rule(std::uint32_t action, int call) {
    if (seccomp_rule_add(context_, action, call, 0) != 0) die("rule " + std::to_string(call));
  }
  void rule(std::uint32_t action, int call, scmp_arg_cmp argument) {
    if (seccomp_rule_add_array(context_, action, call, 1, &argument) != 0)
      die("argument rule " + std::to_string(call));
  }

  void write(std::ofstream& out, const char* name) {
    char path[] = "/tmp/seccomp_compile.XXXXXX";
    const int fd = ::mkostemp(path, O_CLOEXEC);
    if (fd < 0 || ::unlink(path) != 0 || seccomp_export_bpf(context_, fd) != 0) die("export");
    ::lseek(fd, 0, SEEK_SET);
    out << "constexpr sock_filter " << name << "[] = {\n";
    sock_filter line{};
    while (::read(fd, &line, sizeof line) == sizeof line)
      out << "    {" << line.code << ", " << int{line.jt} << ", " << int{line.jf} << ", " << line.k
          << "u},\n";
    out << "};\n";
    ::close(fd);
  }

 private:
  scmp_filter_ctx context_;
};

// -1 where this architecture or libseccomp lacks the name: then the default is right already.
int number_of(std::string_view name) {
  const int number = seccomp_syscall_resolve_name(std::string(name).c_str());
  return number < 0 ? -1 : number;
}

void write_arguments(std::ofstream& out) {
  constexpr std::uint64_t kLow = 0xffffffff;
  const std::uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
  Filter filter(SCMP_ACT_ALLOW);
  for (const unsigned bit : policy::kNamespaceBits)
    filter.rule(refuse, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit));
  for (const unsigned request : policy::kRefusedIoctls)
    filter.rule(refuse, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, kLow, request));
  for (const auto& [name, argument] : policy::kByNumber)
    if (const int number = number_of(name); number >= 0)
      filter.rule(refuse, number, SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, kLow, 1));
  for (const auto& [name, value] : policy::kNotOfUsers)
    if (const int number = number_of(name); number >= 0)
      filter.rule(refuse, number, SCMP_A0(SCMP_CMP_MASKED_EQ, kLow, value));
  filter.rule(refuse, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_MASKED_EQ, kLow, policy::kVsockFamily));
  filter.write(out, "kArguments");
}

void write_syscalls(std::ofstream& out) {
  Filter filter(SCMP_ACT_ERRNO(ENOSYS));
  for (const std::string_view name : policy::kAllowed) {
    const int number = number_of(name);
    if (number >= 0 && name != "personality") filter.rule(SCMP_ACT_ALLOW, number);
  }
  for (const int number : policy::kAllowedNumbers) filter.rule(SCMP_ACT_ALLOW, number);
  for (const unsigned persona : policy::kPersonalities)
    filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(personality), SCMP_A0(SCMP_CMP_EQ, persona));
  for (const std::string_view name : policy::kRefused) {
    const int number = number_of(name);
    if (number >= 0) filter.rule(SCMP_ACT_ERRNO(EPERM), number);
  }
  filter.write(out, "kSyscalls");
}

// libseccomp compares whole arguments and knows no "unless" for half of one: a bit that differs is
// a rule.
void act_unless(Filter& filter, std::uint32_t action, std::string_view call, unsigned argument,
                std::uint32_t value) {
  const int number = number_of(call);
  if (number < 0) return;
  for (unsigned i = 0; i < 32; ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    filter.rule(action, number,
                SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, bit, ~std::uint64_t{value} & bit));
  }
}

void refuse_unless(Filter& filter, const policy::Only& only) {
  act_unless(filter, SCMP_ACT_ERRNO(static_cast<unsigned>(only.error)), only.call, only.argument,
             only.value);
}

void write_guard(std::ofstream& out) {
  Filter filter(SCMP_ACT_ALLOW);
  for (const policy::Only& only : policy::kOnlyOnItself) refuse_unless(filter, only);
  for (const std::string_view name : policy::kIntoOthers)
    if (const int number = number_of(name); number >= 0) filter.rule(SCMP_ACT_ERRNO(EPERM), number);
  filter.write(out, "kGuard");
}

void write_no_numbers(std::ofstream& out) {
  Filter filter(SCMP_ACT_ALLOW);
  for (const auto& [call, argument] : policy::kByNumber)
    act_unless(filter, SCMP_ACT_ERRNO(EPERM), call, argument, 0);
  filter.write(out, "kNoNumbers");
}

void write_no_trace(std::ofstream& out) {
  Filter filter(SCMP_ACT_ALLOW);
  for (const std::string_view name : policy::kTracing)
    if (const int number = number_of(name); number >= 0) filter.rule(SCMP_ACT_ERRNO(EPERM), number);
  filter.write(out, "kNoTrace");
}

void write_no_network(std::ofstream& out) {
  Filter filter(SCMP_ACT_ALLOW);
  for (const policy::Only& only : policy::kOnlyUnixSockets) refuse_unless(filter, only);
  filter.write(out, "kNoNetwork");
}

// One program has all that waits for the supervisor: a process can have one listener only.
void write_notifying(std::ofstream& out, const char* name, bool by_number) {
  constexpr std::uint64_t kLow = 0xffffffff;
  Filter filter(SCMP_ACT_ALLOW);
  if (by_number)
    for (const auto& [call, argument] : policy::kByNumber)
      act_unless(filter, SCMP_ACT_NOTIFY, call, argument, 0);
  for (const std::string_view name : policy::kCarriedOut)
    if (const int number = number_of(name); number >= 0) filter.rule(SCMP_ACT_NOTIFY, number);
  for (const int number : policy::kNotThere) filter.rule(SCMP_ACT_ERRNO(ENOSYS), number);
  for (const unsigned request : policy::kRefusedSwitches)
    filter.rule(SCMP_ACT_ERRNO(EOPNOTSUPP), SCMP_SYS(ioctl),
                SCMP_A1(SCMP_CMP_MASKED_EQ, kLow, request));
  filter.write(out, name);
}

void write_fake_root(std::ofstream& out) {
  constexpr std::uint32_t done = SCMP_ACT_ERRNO(0);
  Filter filter(SCMP_ACT_ALLOW);
  for (const std::string_view name : policy::kFaked)
    if (const int number = number_of(name); number >= 0) filter.rule(done, number);
  for (const auto& [name, argument] : policy::kFakedNodes)
    if (const int number = number_of(name); number >= 0)
      for (const std::uint32_t type : policy::kFakedTypes)
        filter.rule(done, number, SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, policy::kTypeMask, type));
  filter.write(out, "kFakeRoot");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) die("usage: seccomp_compile OUTPUT");
  // The kernel that builds need not know notifications (seccomp_api_get(3), level 5).
  if (seccomp_api_set(5) != 0) die("seccomp_api_set");
  std::ofstream out(argv[1]);
  write_arguments(out);
  write_syscalls(out);
  write_guard(out);
  write_no_numbers(out);
  write_no_trace(out);
  write_no_network(out);
  write_notifying(out, "kMetadata", false);
  write_notifying(out, "kSupervised", true);
  write_fake_root(out);
  out.close();
  if (!out) die(std::string("cannot write ") + argv[1]);
  return 0;
}
