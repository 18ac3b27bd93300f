// SPDX-License-Identifier: Apache-2.0
#include "agent/job/pull_child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "oci/registry/credential_helper.h"
#include "sandbox/base/config_files.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/log.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

// What a pull needs of our environment; a scheduler's token that came by it is not among these.
constexpr std::array kPassedOn = {
    "HOME",         "PATH",         "DOCKER_CONFIG", "SSL_CERT_FILE", "HTTP_PROXY",
    "http_proxy",   "HTTPS_PROXY",  "https_proxy",   "NO_PROXY",      "no_proxy",
    "ALL_PROXY",    "all_proxy",    "RES_OPTIONS",   "LOCALDOMAIN",   "CONTAINERS_REGISTRIES_CONF",
    "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"};

std::vector<std::string> child_environment() {
  std::vector<std::string> out;
  for (const char* name : kPassedOn)
    if (const char* value = std::getenv(name)) out.push_back(fmt::format("{}={}", name, value));
  // It runs no helper where it gets the configuration files from us.
  if (!served_config_files())
    for (std::string& entry : oci::helpers_environment()) out.push_back(std::move(entry));
  return out;
}

struct Channel {
  UniqueFd ours;
  UniqueFd child;
};

// A socket, so that the child can end what it says and still see that we took it over.
Result<Channel> make_channel() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return sys_error("socketpair");
  Channel channel{UniqueFd(ends[0]), UniqueFd(ends[1])};
  ::fcntl(channel.ours.get(), F_SETFL, O_NONBLOCK);  // the child's end stays blocking
  return channel;
}

}  // namespace

Result<std::unique_ptr<PullChild>> PullChild::start(Poller& poller, const PullOrder& order,
                                                    Listener listener) {
  std::unique_ptr<PullChild> child(new PullChild(order.reference, std::move(listener)));
  TRY(child->spawn_child(poller, order));
  return child;
}

Result<void> PullChild::spawn_child(Poller& poller, const PullOrder& order) {
  Channel channel = TRY(make_channel());
  SpawnOptions options;
  options.program = "/proc/self/exe";
  options.argv = {"podpilot", "pull", "--quiet", "--cache", order.cache};
  options.argv.insert(options.argv.end(), order.arguments.begin(), order.arguments.end());
  options.environment = child_environment();
  options.descriptors = {BorrowedFd(), BorrowedFd(), BorrowedFd(STDERR_FILENO)};
  const auto pass = [&options](const char* option, BorrowedFd fd) {
    options.argv.insert(options.argv.end(),
                        {option, fmt::format("{}", options.descriptors.size())});
    options.descriptors.push_back(fd);
  };
  pass("--events-fd", channel.child);
  UniqueFd config;
  if (const ConfigFiles* files = served_config_files()) {
    config = TRY(files->to_memory());
    pass("--config-fd", config);
  }
  UniqueFd login;
  if (!order.login.empty()) {
    login = TRY(memory_file("login", order.login.reveal()));
    pass("--login-fd", login);
  }
  options.argv.push_back(order.reference);
  started_ = Clock::now();
  child_ = TRY(spawn(options));
  events_ = std::move(channel.ours);
  watch_ = poller.watch(events_, POLLIN, [this](short) { read_events(); });
  return {};
}

void PullChild::read_events() {
  std::array<char, 16 * 1024> buffer;
  const Result<std::size_t> n = read_some(events_, buffer.data(), buffer.size());
  if (!n && n.error().fault == Fault::transient) return;
  if (!n || *n == 0) return ended();
  text_.append(buffer.data(), *n);
  for (std::size_t newline; (newline = text_.find('\n')) != std::string::npos;) {
    take(text_.substr(0, newline));
    text_.erase(0, newline + 1);
  }
  if (text_.size() > kMaxPullEventBytes) ended();
}

void PullChild::take(const std::string& line) {
  const Result<PullEvent> event = parse_pull_event(line);
  if (!event) return;
  if (const auto* layer = std::get_if<LayerProgress>(&*event)) {
    if (listener_.progress) listener_.progress(*layer);
  } else if (const auto* overload = std::get_if<PullOverload>(&*event)) {
    listener_.overloaded(overload->wait);
  } else if (const auto* failed = std::get_if<PullFailed>(&*event)) {
    failure_ = Error{failed->fault, failed->text};
  } else {
    const auto& ready = std::get<PullReady>(*event);
    ready_ = ready;
    log::info("pulled", {{"image", reference_},
                         {"bytes", fmt::format("{}", ready.bytes)},
                         {"layers_pulled", fmt::format("{}", ready.pulled)},
                         {"layers_present", fmt::format("{}", ready.present)},
                         {"asking_ms", fmt::format("{}", ready.asking.count())},
                         {"layers_ms", fmt::format("{}", ready.layers.count())},
                         {"finishing_ms", fmt::format("{}", ready.finishing.count())}});
  }
}

// The child has said all, or is dead. The listener may destroy this.
void PullChild::ended() {
  watch_.reset();
  const auto over = std::move(listener_.over);
  over(result());
}

std::expected<PulledImage, ImageFailure> PullChild::result() {
  if (failure_) return std::unexpected(ImageFailure{origin_of_pull(failure_->fault), *failure_});
  if (ready_)
    if (Result<oci::Digest> manifest = oci::Digest::parse(ready_->manifest))
      return PulledImage{.manifest = *std::move(manifest), .figures = *ready_};
  const Result<std::optional<ExitStatus>> status =
      child_.wait(Deadline::after(std::chrono::seconds(5)));
  const bool known = status && *status;
  return std::unexpected(ImageFailure{
      Origin::image,
      {Fault::internal, known
                            ? fmt::format("the pull of {} broke off ({} {})", printable(reference_),
                                          (*status)->signal ? "signal" : "exit code",
                                          (*status)->signal ? (*status)->signal : (*status)->code)
                            : "the pull broke off"}});
}

}  // namespace podpilot::agent
