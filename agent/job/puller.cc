// SPDX-License-Identifier: Apache-2.0
#include "agent/job/puller.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "agent/jitter.h"
#include "oci/reference.h"
#include "sandbox/base/config_files.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/log.h"
#include "sandbox/base/path.h"
#include "sandbox/base/process.h"
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
  return out;
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return sys_error("pipe");
  Pipe pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  ::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);  // the child's end stays blocking
  return pipe;
}

// A folder as an image: no config, one layer that nobody holds.
SuppliedImage folder_image(const std::string& path) {
  return {.image = {.config = {}, .manifest = oci::Digest::of(path), .layers = {path}, .lease = {}},
          .pull_time = {}};
}

}  // namespace

class Puller::Pull final : public ImageSupplier::Request {
 public:
  Pull(Puller& owner, oci::Reference reference, oci::Secret login, Ready ready)
      : owner_(owner),
        reference_(std::move(reference)),
        login_(std::move(login)),
        ready_(std::move(ready)) {}

  void answer_later(std::expected<SuppliedImage, ImageFailure> answer) {
    answer_.emplace(std::move(answer));
    later_ = owner_.poller_.after({}, [this] { give(*std::exchange(answer_, std::nullopt)); });
  }

  // Now, or when the registry may be asked again.
  Result<void> start() {
    const Clock::duration wait = owner_.waits_.left(reference_.registry.domain, Clock::now());
    if (wait == Clock::duration::zero()) return spawn_child();
    log::info("a registry asked for patience", {{"registry", reference_.registry.domain}});
    // Not all that wait at the same moment.
    later_ = owner_.poller_.after(jittered_above(wait), [this] {
      if (const Result<void> started = spawn_child(); !started)
        give(std::unexpected(ImageFailure{Origin::pilot, started.error()}));
    });
    return {};
  }

 private:
  Result<void> spawn_child() {
    Pipe pipe = TRY(make_pipe());
    SpawnOptions options;
    options.program = "/proc/self/exe";
    options.argv = {"podpilot", "pull", "--quiet", "--cache", owner_.settings_.cache};
    const std::vector<std::string>& more = owner_.settings_.arguments;
    options.argv.insert(options.argv.end(), more.begin(), more.end());
    options.environment = child_environment();
    options.descriptors = {BorrowedFd(), BorrowedFd(), BorrowedFd(STDERR_FILENO)};
    const auto pass = [&options](const char* option, BorrowedFd fd) {
      options.argv.insert(options.argv.end(),
                          {option, fmt::format("{}", options.descriptors.size())});
      options.descriptors.push_back(fd);
    };
    pass("--events-fd", pipe.write);
    UniqueFd config;
    if (const ConfigFiles* files = served_config_files()) {
      config = TRY(files->to_memory());
      pass("--config-fd", config);
    }
    UniqueFd login;
    if (!login_.empty()) {
      login = TRY(memory_file("login", login_.reveal()));
      pass("--login-fd", login);
    }
    options.argv.push_back(reference_.str());
    started_ = Clock::now();
    child_ = TRY(spawn(options));
    events_ = std::move(pipe.read);
    watch_ = owner_.poller_.watch(events_, POLLIN, [this](short) { read_events(); });
    return {};
  }

  void read_events() {
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

  void take(const std::string& line) {
    const Result<PullEvent> event = parse_pull_event(line);
    if (!event) return;
    if (const auto* layer = std::get_if<LayerProgress>(&*event)) {
      if (owner_.settings_.progress) owner_.settings_.progress(*layer);
    } else if (const auto* overload = std::get_if<PullOverload>(&*event)) {
      owner_.waits_.note(reference_.registry.domain, overload->wait, Clock::now());
    } else if (const auto* failed = std::get_if<PullFailed>(&*event)) {
      failure_ = Error{failed->fault, failed->text};
    } else {
      const auto& ready = std::get<PullReady>(*event);
      pulled_ = ready;
      log::info("pulled", {{"image", reference_.str()},
                           {"bytes", fmt::format("{}", ready.bytes)},
                           {"layers_pulled", fmt::format("{}", ready.pulled)},
                           {"layers_present", fmt::format("{}", ready.present)},
                           {"asking_ms", fmt::format("{}", ready.asking.count())},
                           {"layers_ms", fmt::format("{}", ready.layers.count())},
                           {"finishing_ms", fmt::format("{}", ready.finishing.count())}});
    }
  }

  // The child closed its end: it is ending or dead.
  void ended() {
    watch_.reset();
    const Result<std::optional<ExitStatus>> status =
        child_.wait(Deadline::after(std::chrono::seconds(5)));
    if (failure_)
      return give(std::unexpected(ImageFailure{origin_of_pull(failure_->fault), *failure_}));
    if (pulled_) return give(from_store());
    const bool known = status && *status;
    give(std::unexpected(ImageFailure{
        Origin::image,
        {Fault::internal,
         known ? fmt::format("the pull of {} broke off ({} {})", printable(reference_.str()),
                             (*status)->signal ? "signal" : "exit code",
                             (*status)->signal ? (*status)->signal : (*status)->code)
               : "the pull broke off"}}));
  }

  Result<std::optional<oci::Image>> find_pulled() {
    if (login_.empty()) return owner_.store_.find(reference_.str(), oci::Platform::host());
    const oci::Digest manifest = TRY(oci::Digest::parse(pulled_->manifest));
    return owner_.store_.find(manifest);
  }

  std::expected<SuppliedImage, ImageFailure> from_store() {
    Result<std::optional<oci::Image>> image = find_pulled();
    if (!image) return std::unexpected(ImageFailure{Origin::site, image.error()});
    if (!*image)
      return std::unexpected(ImageFailure{Origin::site,
                                          {Fault::exhausted,
                                           "the image was pulled and removed again at once: the "
                                           "cache is too small for the jobs beside this one"}});
    return SuppliedImage{
        .image = **std::move(image),
        .pull_time = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_),
        .pull = pulled_};
  }

  // Last thing that this object does: the callback may destroy it.
  void give(std::expected<SuppliedImage, ImageFailure> answer) {
    const Ready ready = std::move(ready_);
    ready(std::move(answer));
  }

  Puller& owner_;
  oci::Reference reference_;
  oci::Secret login_;
  Ready ready_;
  Clock::time_point started_{};
  ChildProcess child_;
  UniqueFd events_;
  std::string text_;
  std::optional<Error> failure_;
  std::optional<PullReady> pulled_;  // once it was pulled
  std::optional<std::expected<SuppliedImage, ImageFailure>> answer_;
  Poller::Handle watch_;
  Poller::Handle later_;
};

std::unique_ptr<ImageSupplier::Request> Puller::request(const ImageWish& wish, Ready ready) {
  const PullPolicy policy = wish.policy;
  const Result<oci::Reference> reference = oci::Reference::parse(wish.reference);
  auto pull = std::make_unique<Pull>(*this, reference ? *reference : oci::Reference(), wish.login,
                                     std::move(ready));
  const auto fail = [&](Origin origin, Error error) {
    pull->answer_later(std::unexpected(ImageFailure{origin, std::move(error)}));
    return std::move(pull);
  };
  if (!reference) return fail(Origin::image, reference.error());
  if (reference->kind == oci::ReferenceKind::directory) {
    if (const Result<DirFd> folder = open_dir(reference->path); !folder)
      return fail(Origin::image, folder.error());
    pull->answer_later(folder_image(reference->path));
    return pull;
  }
  // Files on disk say themselves whether the cache has them; asking costs no network.
  const bool ask_source =
      policy == PullPolicy::always ||
      (policy == PullPolicy::missing && reference->kind != oci::ReferenceKind::registry);
  if (!ask_source) {
    // After a restart of the node the child compares layers with their checksums, which may take
    // long; where there is to be no child it is done here.
    Result<std::optional<oci::Image>> found = store_.find(
        reference->str(), oci::Platform::host(),
        policy == PullPolicy::never ? oci::Store::Unsettled::compare : oci::Store::Unsettled::skip);
    if (!found) return fail(Origin::site, found.error());
    if (*found) {
      pull->answer_later(SuppliedImage{**std::move(found), {}});
      return pull;
    }
    if (policy == PullPolicy::never)
      return fail(
          Origin::image,
          {Fault::not_found, fmt::format("{} is not in the cache, and it was said never to pull",
                                         printable(reference->str()))});
  }
  if (const Result<void> started = pull->start(); !started)
    return fail(Origin::pilot, started.error());
  return pull;
}

}  // namespace podpilot::agent
