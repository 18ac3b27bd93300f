// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <csignal>
#include <span>

#include "agent/cli/commands.h"
#include "agent/cli/message.h"
#include "agent/cli/termination_log.h"
#include "sandbox/base/kernel.h"

namespace {

using namespace podpilot;
using namespace podpilot::agent;

constexpr std::array<std::pair<Command, int (*)(const Options&)>, 9> kRunners = {
    {{kPilot, pilot_command},
     {kRun, run_command},
     {kPull, pull_command},
     {kCache, cache_command},
     {kDoctor, doctor_command},
     {kSubmit, submit_command},
     {kQueue, queue_command},
     {kCancel, cancel_command},
     {kVersion, version_command}}};

// A kubelet hears of a pilot that did not even begin, too.
int not_begun(const CommandText& command, const Message& why) {
  if (command.command == kPilot) TerminationLog().write(why.line);
  return report(why);
}

int start(const CommandText& command, std::span<char* const> words) {
  const Result<Options> options = Options::parse(command, words);
  if (!options)
    return not_begun(command, command.command == kPilot
                                  ? pilot_usage_message(options.error())
                                  : usage_message(command.name, options.error()));
  if (options->help()) {
    fmt::print("{}", command_help(command));
    return 0;
  }
  if (command.command != kVersion)
    if (const Result<void> kernel = check_kernel(); !kernel)
      return not_begun(command, failure_message(command.name, Origin::site, kernel.error()));
  for (const auto& [id, run] : kRunners)
    if (id == command.command) return run(*options);
  return kExitFailed;
}

}  // namespace

int main(int argc, char** argv) {
  // Inherited as ignored it would let children vanish before they are waited for (wait(2)).
  ::signal(SIGCHLD, SIG_DFL);
  const std::span<char* const> words(argv + 1, argc > 0 ? static_cast<std::size_t>(argc) - 1 : 0);
  std::string_view called_as = argc > 0 ? argv[0] : "";
  called_as.remove_prefix(called_as.rfind('/') + 1);
  if (is_apptainer(called_as)) return apptainer_command(called_as, words);
  // The pod's entrypoint: no command, or options only, is the pilot.
  if (words.empty() ||
      (words[0][0] == '-' && std::string_view(words[0]) != "--help" &&
       std::string_view(words[0]) != "-h" && std::string_view(words[0]) != "--version"))
    return start(*find_command("pilot"), words);
  const std::string_view name = words[0];
  if (name == "--help" || name == "-h" || name == "help") {
    fmt::print("{}", program_help());
    return 0;
  }
  const CommandText* command = find_command(name == "--version" ? "version" : name);
  if (!command) return report_usage(name, {Fault::invalid, "no such command; see podpilot --help"});
  return start(*command, words.subspan(1));
}
