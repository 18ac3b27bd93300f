// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/sandbox_options.h"

#include <fmt/format.h>
#include <sys/prctl.h>

#include "agent/cli/places.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {

Result<SandboxWish> sandbox_wish(const Options& options) {
  SandboxWish wish;
  wish.cache = cache_folder(options);
  wish.folders = {wish.cache, scratch_folder(options)};
  wish.required = TRY(
      sandbox::parse_guarantees(options.text("require-isolation")).within("--require-isolation"));
  const std::string rung = options.text("sandbox");
  if (rung == "auto" || rung.empty()) return wish;
  wish.rung = sandbox::parse_rung(rung);
  if (wish.rung) return wish;
  return Error{Fault::invalid,
               fmt::format("--sandbox \"{}\": must be auto, userns, userns-nomount, "
                           "transplant-setuid or transplant",
                           printable(rung))};
}

void hide_process() {
// The leak sanitizer looks at its own process through ptrace.
#ifndef __SANITIZE_ADDRESS__
  ::prctl(PR_SET_DUMPABLE, 0);
#endif
}

}  // namespace podpilot::agent
