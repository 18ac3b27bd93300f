// SPDX-License-Identifier: Apache-2.0
// `podpilot pull`, which is also the child in which every pilot pulls: from the first byte of a
// registry on it can touch the store, read the image layouts that it was given, and nothing else.
#include "oci/pull.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <stop_token>
#include <vector>

#include "agent/cli/commands.h"
#include "agent/cli/common.h"
#include "agent/cli/message.h"
#include "agent/cli/places.h"
#include "agent/cli/progress.h"
#include "agent/cli/pull_wanted.h"
#include "agent/job/pull_events.h"
#include "agent/resources.h"
#include "agent/version.h"
#include "oci/http/client.h"
#include "oci/registry/credential_helper.h"
#include "oci/registry/source.h"
#include "sandbox/base/config_files.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/log.h"
#include "sandbox/landlock.h"
#include "sandbox/limits.h"

namespace podpilot::agent {
namespace {

constexpr const char* kCommand = "pull";

// Each has a thread that inflates and one that unpacks, and some MiB of buffers.
constexpr unsigned kMaxLayersAtOnce = 4;

// A pull that moves bytes all the time still ends.
constexpr std::chrono::hours kDeadline{6};

// A parent that lives has the image long before.
constexpr int kHandOverMs = 60'000;

// What the C library, OpenSSL's random numbers and the store's locks read; configuration has been
// read by then.
sandbox::LandlockRules rules(const std::string& cache, const std::vector<std::string>& layouts) {
  sandbox::LandlockRules out{
      .read = {"/dev/urandom", "/dev/random", "/sys/devices/system/cpu", "/proc/self",
               "/sys/fs/cgroup", "/proc/sys/kernel/random/boot_id"},
      .read_write = {cache, "/dev/null"}};
  out.read.insert(out.read.end(), layouts.begin(), layouts.end());
  return out;
}

Result<void> shut_in(const std::string& cache, const std::vector<std::string>& layouts) {
  // It holds credentials and its memory is hostile input's playground: no core, no ptrace.
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return sys_error("PR_SET_DUMPABLE");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return sys_error("PR_SET_NO_NEW_PRIVS");
  // A kernel without Landlock pulls all the same: doctor tells.
  [[maybe_unused]] const int abi = TRY(sandbox::restrict_filesystem(rules(cache, layouts)));
  return {};
}

// From the pilot, which may know better than to have them read now; else as they are.
Result<ConfigFiles> config_files(const Options& options) {
  if (!options.has("config-fd")) {
    return read_config_files(options);
  }
  const std::uint64_t fd = TRY(options.number("config-fd"));
  return ConfigFiles::from_memory(BorrowedFd(static_cast<int>(fd)));
}

// Where events go as JSON, if anywhere.
BorrowedFd events_of(const Options& options) {
  if (options.has("json")) return BorrowedFd(STDOUT_FILENO);
  if (!options.has("events-fd")) return BorrowedFd();
  return BorrowedFd(static_cast<int>(options.number("events-fd").value_or(0)));
}

// Bars and a line for people, JSON for who wants it.
class Teller {
 public:
  Teller(const Options& options, const std::string& image)
      : image_(image), quiet_(options.has("quiet")), events_(events_of(options)) {
    bars_.emplace(image, !quiet_);
  }

  void layer(const oci::LayerProgress& progress) {
    const auto state = static_cast<LayerState>(progress.state);
    const bool whole = state == LayerState::done || state == LayerState::present;
    const LayerProgress event{.digest = progress.digest.str(),
                              .state = state,
                              .done = whole ? progress.total : progress.bytes,
                              .total = progress.total,
                              .layers = progress.layers};
    bars_->update(event);
    tell(event);
  }
  void ready(const oci::Image& image, const oci::PullReport& report) {
    using std::chrono::duration_cast, std::chrono::milliseconds;
    const PullReady event{.manifest = image.manifest.str(),
                          .bytes = report.bytes,
                          .pulled = report.pulled,
                          .present = report.present,
                          .asking = duration_cast<milliseconds>(report.asking),
                          .layers = duration_cast<milliseconds>(report.layers),
                          .finishing = duration_cast<milliseconds>(report.finishing)};
    tell(event);
    bars_.reset();
    if (!quiet_) fmt::print(stderr, "{}\n", pull_summary(image_, event));
  }
  // From any thread: a line is one write, shorter than PIPE_BUF.
  void tell(const PullEvent& event) {
    // A parent that does not listen any more is about to kill us.
    if (events_) [[maybe_unused]]
      const auto written = write_all(events_, format_pull_event(event));
  }

 private:
  std::string image_;
  bool quiet_;
  BorrowedFd events_;
  std::optional<ProgressBars> bars_;
};
// One state of a layer, on both sides of the seam.
static_assert(static_cast<int>(LayerState::waiting) ==
                  static_cast<int>(oci::LayerProgress::State::waiting) &&
              static_cast<int>(LayerState::present) ==
                  static_cast<int>(oci::LayerProgress::State::present));

// From the command's options, which hold for every image.
class Puller {
 public:
  Puller(oci::Store& store, const Options& options)
      : store_(store),
        options_(options),
        client_({.user_agent = fmt::format("podpilot/{}", build_info().version), .ca_file = {}}) {}

  int pull(const std::string& text, const Result<Wanted>& wanted) {
    Teller teller(options_, text);
    Result<oci::Image> image = fetch(wanted, teller);
    if (!image) {
      teller.tell(PullFailed{image.error().fault, image.error().text});
      if (options_.has("events-fd")) return kExitFailed;
      return report_failure(kCommand, origin_of_pull(image.error().fault), image.error());
    }
    teller.ready(*image, report_);
    if (!events_of(options_)) fmt::print("{}\n", image->manifest.str());
    if (options_.has("events-fd")) held_.push_back(*std::move(image));
    return 0;
  }

  // Between our end and the parent's own lock gc might come: the images are held until the parent,
  // which sees the end of the events, closes its side. A pipe's reader takes nothing over.
  void hand_over() const {
    if (held_.empty() || ::shutdown(events_of(options_).get(), SHUT_WR) != 0) return;
    pollfd closed{events_of(options_).get(), POLLIN, 0};
    ::poll(&closed, 1, kHandOverMs);
  }

 private:
  Result<oci::Image> fetch(const Result<Wanted>& wanted, Teller& teller) {
    if (!wanted) return wanted.error();
    const std::string name = wanted->reference.str();
    oci::PullOptions pull;
    // What came by a job's own login is found by its digest only.
    if (!options_.has("login-fd")) pull.reference = name;
    pull.report = &report_;
    pull.threads = std::min(usable_cpus().value_or(1), kMaxLayersAtOnce);
    pull.progress = [&teller](const oci::LayerProgress& progress) { teller.layer(progress); };
    if (wanted->local) return oci::pull(*wanted->local, store_, pull).within(name);
    Result<oci::Image> image = Error{};
    for (const Place& place : wanted->places) {
      oci::RegistryOptions registry;
      registry.credentials = place.credentials;
      registry.plain_http = place.plain_http;
      registry.on_overload = [&teller](std::chrono::milliseconds wait) {
        teller.tell(PullOverload{wait});
      };
      registry.deadline = Deadline::after(kDeadline);
      oci::RegistrySource source(client_, place.at, std::move(registry));
      image = oci::pull(source, store_, pull).within(name);
      if (image || &place == &wanted->places.back()) break;
      log::warning("a mirror does not give an image: asking the next",
                   {{"image", place.at.str()}, {"error", image.error().text}});
    }
    return image;
  }

  oci::Store& store_;
  const Options& options_;
  oci::http::Client client_;
  oci::PullReport report_;        // of the last image
  std::vector<oci::Image> held_;  // for the parent
};

}  // namespace

int pull_command(const Options& options) {
  if (const Result<void> logging = configure_log(options, log::Level::warning); !logging)
    return report_usage(kCommand, logging.error());
  if (options.arguments().empty())
    return report_usage(kCommand, {Fault::invalid, "which image? See podpilot pull --help"});
  // Who gives us the files has checked them, and their paths may mean others by now.
  if (!options.has("config-fd"))
    if (const auto registries = pull_arguments(options); !registries)
      return report_usage(kCommand, registries.error());
  if (options.has("events-fd") && !options.number("events-fd"))
    return report_usage(kCommand, options.number("events-fd").error());
  const Result<oci::Secret> login = own_login(options);
  if (!login) return report_usage(kCommand, login.error());
  Result<ConfigFiles> config = config_files(options);
  if (!config) return report_usage(kCommand, config.error());
  serve_config_files(*std::move(config));
  ::signal(SIGPIPE, SIG_IGN);
  sandbox::raise_open_files();
  const std::string cache = cache_folder(options);
  Result<oci::Store> store = open_cache(options).within("cache");
  if (!store) return report_failure(kCommand, Origin::site, store.error());
  if (const Result<void> writable = store->layout().writable(); !writable)
    return report_failure(kCommand, Origin::site, writable.error());
  std::vector<Result<Wanted>> images;
  std::vector<std::string> layouts;
  for (const std::string& text : options.arguments()) {
    images.push_back(wanted_image(text, *login, options));
    if (images.back() && images.back()->reference.kind == oci::ReferenceKind::oci_layout)
      layouts.push_back(images.back()->reference.path);
  }
  oci::forget_helpers_environment();
  if (const Result<void> shut = shut_in(cache, layouts); !shut)
    return report_failure(kCommand, Origin::pilot, shut.error());

  Puller puller(*store, options);
  int code = 0;
  for (std::size_t i = 0; i < images.size(); ++i)
    if (const int failed = puller.pull(options.arguments()[i], images[i])) code = failed;
  puller.hand_over();
  return code;
}

}  // namespace podpilot::agent
