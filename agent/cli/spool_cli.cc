// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/spool_cli.h"

#include <fmt/format.h>

#include <cstdio>

#include "sandbox/base/text.h"

namespace podpilot::agent::cli {
namespace {

constexpr const char* kWords = "words";

// The one seam to cxxopts, which throws.
Result<SpoolArguments> parse(const SpoolCommand& command, cxxopts::Options& options, int argc,
                             char** argv) {
  try {
    options.parse_positional({kWords});
    SpoolArguments out{options.parse(argc, argv), {}};
    if (out.options.count(kWords) != 0)
      out.words = out.options[kWords].as<std::vector<std::string>>();
    if (out.options.count("help") == 0 && out.words.size() < command.least)
      return Error{Fault::invalid,
                   fmt::format("usage: podpilot {} [options] {}", command.name, command.usage)};
    return out;
  } catch (const cxxopts::exceptions::exception& problem) {
    return Error{Fault::invalid, problem.what()};
  }
}

}  // namespace

void complain(const SpoolCommand& command, const std::string& text, std::string_view slug) {
  const std::string tail = slug.empty() ? "" : fmt::format(" ({})", slug);
  fmt::print(stderr, "podpilot {}: {}{}\n", command.name, printable(text), tail);
}

int run_spool_command(const SpoolCommand& command, int argc, char** argv,
                      const std::function<void(cxxopts::Options&)>& add_options,
                      const std::function<Result<int>(const SpoolArguments&)>& body) {
  cxxopts::Options options(fmt::format("podpilot {}", command.name), command.summary);
  options.custom_help("[options]").positional_help(command.usage).set_width(100);
  add_options(options);
  options.add_options()("h,help", "Show this help");
  options.add_options("hidden")(kWords, "", cxxopts::value<std::vector<std::string>>());
  const Result<SpoolArguments> arguments = parse(command, options, argc, argv);
  if (!arguments) {
    complain(command, arguments.error().text);
    return kExitFault;
  }
  if (arguments->options.count("help") != 0) {
    fmt::print("{}\nExamples:\n{}", options.help({""}), command.examples);
    return 0;
  }
  const Result<int> code = body(*arguments);
  if (code) return *code;
  complain(command, code.error().text);
  return kExitFault;
}

Result<spool::Folder> open_spool(const SpoolCommand& command, const std::string& path,
                                 spool::Create create) {
  spool::Folder folder = TRY(spool::Folder::open(path, create));
  if (folder.newer_format())
    complain(command, fmt::format("{}: a newer podpilot keeps jobs here too, in v{}; left alone",
                                  path, *folder.newer_format()));
  return folder;
}

}  // namespace podpilot::agent::cli
