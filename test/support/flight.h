// SPDX-License-Identifier: Apache-2.0
// Real sandboxes for tests: a root made of the victims, and a run watched to its end.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/launcher.h"
#include "sandbox/spec.h"
#include "test/support/scratch_dir.h"

namespace podpilot::test {

// A one-layer image with the victims in /bin; more layers go on top.
class Image {
 public:
  explicit Image(std::string_view folder_name = "podpilot-image");

  // Below the topmost layer: dir() / layer("etc/passwd").
  ScratchDir& dir() { return dir_; }
  std::string layer(const std::string& path) const { return top_ + "/" + path; }
  void add_layer(const std::string& name);

  // With a workspace of its own each time.
  sandbox::Spec spec(std::vector<std::string> argv);
  std::string workspace() const { return workspace_; }

 private:
  ScratchDir dir_;
  std::string top_;
  std::string workspace_;
  std::vector<std::string> layers_;
  int count_ = 0;
};

// The launcher of this test process.
sandbox::Launcher& launcher();

struct Flight {
  std::optional<sandbox::Sandbox> sandbox;
  UniqueFd in;        // payload's stdin
  UniqueFd out;       // its stdout and stderr
  UniqueFd terminal;  // instead of both
  std::string output;
  std::string problem;  // of launch() itself
  std::optional<sandbox::Report> started;
  std::optional<sandbox::Report> last;  // ended, failed or not_executed

  // Takes in output and reports until `enough`; false where that does not come in 10 s.
  bool until(const std::function<bool()>& enough);
  bool until_output(const std::string& text);
  // Closes stdin and waits for the end of everything.
  Flight& finish();
  bool gone() const;  // no process of the sandbox is left

  int code() const;    // exit code, -1 if it did not exit
  int signal() const;  // 0 if it was not killed
  // "failed: ..." and the like, for INFO and comparison.
  std::string text() const;

 private:
  void take_in();
  bool reports_ended_ = false;
  bool output_ended_ = false;
};

// `kept` as of Launcher::launch().
Flight take_off(const sandbox::Spec& spec, const std::vector<BorrowedFd>& kept = {});
// Runs to the end.
Flight fly(const sandbox::Spec& spec);

}  // namespace podpilot::test
