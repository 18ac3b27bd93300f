// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/slot/unsupported.h"

#include <fmt/format.h>

namespace podpilot::agent::htcondor {
namespace {

constexpr std::int64_t kVanilla = 5;

struct Row {
  const char* attribute;
  // What the attribute must be. `absent`: undefined; `not_true`: anything but true; a text: that,
  // or undefined.
  enum { absent, not_true, text } wanted;
  const char* value;
  const char* what;
};

constexpr Row kTable[] = {
    {"WantDocker", Row::not_true, "", "the docker universe"},
    {"WantSIF", Row::not_true, "", "an image in a SIF file"},
    {"InteractiveJob", Row::not_true, "", "an interactive job"},
    {"In", Row::text, "/dev/null", "standard input from a file"},
    {"StreamIn", Row::not_true, "", "streamed standard input"},
    {"StreamOut", Row::not_true, "", "streamed standard output"},
    {"StreamErr", Row::not_true, "", "streamed standard error"},
    {"x509userproxy", Row::absent, "", "an X.509 proxy"},
    {"OAuthServicesNeeded", Row::absent, "", "OAuth credentials"},
    {"SendCredential", Row::not_true, "", "a credential of the user"},
    {"OutputDestination", Row::absent, "", "an output destination"},
    {"TransferPlugins", Row::absent, "", "file transfer plugins of its own"},
    {"TransferInputRemaps", Row::absent, "", "renamed input files"},
    {"WantFTOnCheckpoint", Row::not_true, "", "file transfer at checkpoints"},
    {"SuccessCheckpointExitCode", Row::absent, "", "checkpoints by exit code"},
    {"TransferCheckpoint", Row::absent, "", "checkpoint files"},
    {"EncryptExecuteDirectory", Row::not_true, "", "an encrypted folder"},
    {"ContainerServiceNames", Row::absent, "", "network services of its container"},
    {"DeferralTime", Row::absent, "", "a start at a given time"},
    {"WantIOProxy", Row::not_true, "", "chirp"},
    {"PreCmd", Row::absent, "", "a command before the job"},
    {"PostCmd", Row::absent, "", "a command after the job"},
};

bool asks(const Ad& job, const Row& row) {
  switch (row.wanted) {
    case Row::absent:
      return job.value(row.attribute) != "undefined";
    case Row::not_true:
      return job.value(row.attribute) == "true";
    case Row::text:
      return job.string(row.attribute).value_or(row.value) != row.value;
  }
  return false;
}

}  // namespace

std::string supported_expression() {
  std::string text = fmt::format("(TARGET.JobUniverse ?: {0}) == {0}", kVanilla);
  for (const Row& row : kTable) {
    const std::string name = fmt::format("TARGET.{}", row.attribute);
    switch (row.wanted) {
      case Row::absent:
        text += fmt::format(" && {} =?= undefined", name);
        break;
      case Row::not_true:
        text += fmt::format(" && {} =!= true", name);
        break;
      case Row::text:
        text += fmt::format(" && ({} ?: {}) =?= {}", name, quoted(row.value), quoted(row.value));
        break;
    }
  }
  return text;
}

std::optional<Reason> unsupported(const Ad& job) {
  const auto reason = [](std::string_view what) {
    return Reason{HoldCode::create_process, 0,
                  fmt::format("this execute node cannot run a job with {} (job-invalid)", what)};
  };
  if (job.integer("JobUniverse").value_or(kVanilla) != kVanilla)
    return reason(fmt::format("JobUniverse {}", job.value("JobUniverse")));
  for (const Row& row : kTable)
    if (asks(job, row)) return reason(row.what);
  return {};
}

}  // namespace podpilot::agent::htcondor
