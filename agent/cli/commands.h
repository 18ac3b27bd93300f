// SPDX-License-Identifier: Apache-2.0
// The commands of podpilot. argv[0] is the command's own name ("submit"); the answer is the
// process's exit code.
#pragma once

namespace podpilot::agent::cli {

int submit_command(int argc, char** argv);
int queue_command(int argc, char** argv);
int cancel_command(int argc, char** argv);

}  // namespace podpilot::agent::cli
