// SPDX-License-Identifier: Apache-2.0
#include "test/support/flight.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "sandbox/base/deadline.h"
#include "sandbox/base/io.h"
#include "sandbox/plan.h"

namespace podpilot::test {
namespace {

using namespace std::chrono_literals;

std::string victims() {
  if (const char* given = std::getenv("PODPILOT_VICTIMS")) return given;
  const char* build = std::getenv("PODPILOT_BUILD");
  return (build ? std::string(build) : ".") + "/test/victims";
}

std::pair<UniqueFd, UniqueFd> pipe_ends() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace

Image::Image(std::string_view folder_name) : dir_(folder_name) {
  add_layer("layer");
  for (const char* name : {"look", "act", "attack", "fds"}) {
    const auto program = read_file(victims() + "/" + name, 16 << 20);
    if (!program) throw std::runtime_error(program.error().text);
    dir_.write(layer("bin/" + std::string(name)), *program, 0755);
  }
  dir_.write(layer("in-image"), "");
  dir_.folder(layer("etc"));
  dir_.folder(layer("tmp"), 01777);
}

void Image::add_layer(const std::string& name) {
  top_ = name;
  dir_.folder(top_);
  layers_.push_back(dir_ / top_);
}

sandbox::Spec Image::spec(std::vector<std::string> argv) {
  const std::string name = fmt::format("work{}", count_++);
  dir_.folder(name);
  workspace_ = dir_ / name;
  sandbox::Spec spec;
  spec.layers = layers_;
  spec.workspace = workspace_;
  spec.argv = std::move(argv);
  spec.env = {"A=b"};
  return spec;
}

sandbox::Launcher& launcher() {
  static sandbox::Launcher one = [] {
    auto started = sandbox::Launcher::start();
    if (!started) throw std::runtime_error(started.error().text);
    return *std::move(started);
  }();
  return one;
}

void Flight::take_in() {
  pollfd fds[] = {{output_ended_ ? -1 : (terminal ? terminal.get() : out.get()), POLLIN, 0},
                  {reports_ended_ ? -1 : sandbox->reports().get(), POLLIN, 0}};
  if (::poll(fds, 2, 100) <= 0) return;
  if (fds[0].revents != 0) {
    char bytes[4096];
    const ssize_t n = ::read(fds[0].fd, bytes, sizeof bytes);
    if (n <= 0) output_ended_ = true;  // a terminal without a writer answers EIO
    if (n > 0) output.append(bytes, static_cast<std::size_t>(n));
  }
  if (fds[1].revents == 0) return;
  auto received = sandbox::receive_report(sandbox->reports());
  if (!received) {
    reports_ended_ = true;
    return;
  }
  if (!*received) return;
  const sandbox::Report& report = (*received)->report;
  if (report.kind == sandbox::ReportKind::terminal) {
    terminal = std::move((*received)->descriptor);
    output_ended_ = false;  // the pipe did, nobody has it
  }
  if (report.kind == sandbox::ReportKind::started) started = report;
  if (report.kind > sandbox::ReportKind::started) last = report;
}

bool Flight::until(const std::function<bool()>& enough) {
  const Deadline deadline = Deadline::after(10s);
  while (!enough()) {
    if (deadline.passed() || !sandbox || (reports_ended_ && output_ended_)) return enough();
    take_in();
  }
  return true;
}

bool Flight::until_output(const std::string& text) {
  return until([&] { return output.find(text) != std::string::npos; });
}

Flight& Flight::finish() {
  in.reset();
  until([&] { return reports_ended_ && (output_ended_ || (!terminal && !out)); });
  pollfd ended{sandbox ? sandbox->ended().get() : -1, POLLIN, 0};
  if (sandbox) ::poll(&ended, 1, 5000);
  return *this;
}

bool Flight::gone() const {
  pollfd ended{sandbox ? sandbox->ended().get() : -1, POLLIN, 0};
  return !sandbox || ::poll(&ended, 1, 5000) == 1;
}

int Flight::code() const {
  if (!last || last->kind != sandbox::ReportKind::ended || !WIFEXITED(last->wait_status)) return -1;
  return WEXITSTATUS(last->wait_status);
}

int Flight::signal() const {
  if (!last || last->kind != sandbox::ReportKind::ended || !WIFSIGNALED(last->wait_status))
    return 0;
  return WTERMSIG(last->wait_status);
}

std::string Flight::text() const {
  if (!problem.empty()) return "launch: " + problem;
  if (!last) return "no last report";
  if (last->kind == sandbox::ReportKind::failed) return fmt::format("failed: {}", last->text);
  if (last->kind == sandbox::ReportKind::not_executed)
    return fmt::format("not executed: {}", last->text);
  return fmt::format("ended: code {} signal {}", code(), signal());
}

Flight take_off(const sandbox::Spec& spec, const std::vector<BorrowedFd>& kept) {
  Flight flight;
  auto plan = sandbox::make_plan({}, spec);
  if (!plan) {
    flight.problem = plan.error().text;
    return flight;
  }
  auto [in_read, in_write] = pipe_ends();
  auto [out_read, out_write] = pipe_ends();
  auto launched =
      launcher().launch(*plan, {.in = in_read, .out = out_write, .error = out_write}, {}, kept);
  if (!launched) {
    flight.problem = launched.error().text;
    return flight;
  }
  flight.sandbox = *std::move(launched);
  flight.in = std::move(in_write);
  flight.out = std::move(out_read);
  return flight;
}

Flight fly(const sandbox::Spec& spec) {
  Flight flight = take_off(spec);
  flight.finish();
  return flight;
}

}  // namespace podpilot::test
