// SPDX-License-Identifier: Apache-2.0
// `podpilot pull`, which is also the child in which every pilot pulls: from the first byte of a
// registry on it can touch the store and nothing else.
#include "oci/pull.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <stop_token>

#include "agent/cli/commands.h"
#include "agent/cli/common.h"
#include "agent/cli/message.h"
#include "agent/cli/places.h"
#include "agent/cli/progress.h"
#include "agent/job/pull_events.h"
#include "agent/version.h"
#include "oci/http/client.h"
#include "oci/reference.h"
#include "oci/registry/credentials.h"
#include "oci/registry/mirror.h"
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

// A pull that moves bytes all the time still ends.
constexpr std::chrono::hours kDeadline{6};
constexpr std::size_t kMaxLoginBytes = 1 << 20;

// What the C library, OpenSSL's random numbers and the store's locks read; configuration has been
// read by then.
sandbox::LandlockRules rules(const std::string& cache) {
  return {.read = {"/dev/urandom", "/dev/random", "/sys/devices/system/cpu", "/proc/self",
                   "/sys/fs/cgroup", "/proc/sys/kernel/random/boot_id"},
          .read_write = {cache, "/dev/null"}};
}

Result<void> shut_in(const std::string& cache) {
  // It holds credentials and its memory is hostile input's playground: no core, no ptrace.
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return sys_error("PR_SET_DUMPABLE");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return sys_error("PR_SET_NO_NEW_PRIVS");
  // A kernel without Landlock pulls all the same: doctor tells.
  [[maybe_unused]] const int abi = TRY(sandbox::restrict_filesystem(rules(cache)));
  return {};
}

// From the pilot, which may know better than to have them read now; else as they are.
Result<ConfigFiles> config_files(const Options& options) {
  if (!options.has("config-fd")) {
    TRY(registry_config(options));
    return read_config_files(options);
  }
  const std::uint64_t fd = TRY(options.number("config-fd"));
  return ConfigFiles::from_memory(BorrowedFd(static_cast<int>(fd)));
}

// What a job has of its own, once: its descriptor is read to the end.
Result<oci::Secret> own_login(const Options& options) {
  if (!options.has("login-fd")) return oci::Secret();
  const std::uint64_t fd = TRY(options.number("login-fd"));
  std::string text =
      TRY(read_all(BorrowedFd(static_cast<int>(fd)), kMaxLoginBytes).within("--login-fd"));
  return oci::Secret(std::move(text));
}

// The job's own before ours.
Result<oci::CredentialLookup> credentials_for(const std::string& domain, const oci::Secret& login,
                                              const Options& options) {
  if (!login.empty()) {
    // A JSON error may quote a password.
    Result<oci::CredentialLookup> own = oci::find_credentials(login.reveal(), domain);
    if (!own) return Error{own.error().fault, "--login-fd: is not a docker config.json"};
    if (own->credentials) return own;
  }
  return oci::load_credentials(credential_files(options), domain);
}

// Where events go: a line for people, JSON for whoever gave us a descriptor.
class Teller {
 public:
  Teller(const Options& options, const std::string& image)
      : line_(image, !options.has("quiet")),
        events_(options.has("events-fd") ? static_cast<int>(options.number("events-fd").value_or(0))
                                         : -1) {}

  void layer(const oci::LayerProgress& progress) {
    const bool whole = progress.state == oci::LayerProgress::State::done ||
                       progress.state == oci::LayerProgress::State::present;
    const LayerProgress event{.digest = progress.digest.str(),
                              .done = whole ? progress.total : progress.bytes,
                              .total = progress.total,
                              .layers = progress.layers};
    line_.update(event);
    tell(event);
  }
  void tell(const PullEvent& event) {
    // A parent that does not listen any more is about to kill us.
    if (events_) [[maybe_unused]]
      const auto written = write_all(events_, format_pull_event(event));
  }

 private:
  ProgressLine line_;
  BorrowedFd events_;
};

// `place` has what is `reference` to the job.
Result<oci::Image> pull_from(const oci::RegistryReference& place, const oci::Reference& reference,
                             oci::Store& store, oci::http::Client& client, const Options& options,
                             const oci::Secret& login, Teller& teller) {
  oci::RegistryOptions registry;
  registry.credentials = TRY(credentials_for(place.domain, login, options));
  registry.deadline = Deadline::after(kDeadline);
  oci::RegistrySource source(client, place, std::move(registry));
  oci::PullOptions pull;
  if (login.empty()) pull.reference = reference.str();
  pull.progress = [&teller](const oci::LayerProgress& progress) { teller.layer(progress); };
  return oci::pull(source, store, pull);
}

// What a mirror lacks, or cannot give, is asked of docker.io itself; what has a login of the job's
// own is that registry's to give.
Result<oci::Image> pull_one(const oci::Reference& reference, oci::Store& store,
                            oci::http::Client& client, const Options& options,
                            const oci::Secret& login, Teller& teller) {
  if (reference.kind != oci::ReferenceKind::registry)
    return Error{Fault::unsupported, "only images in a registry can be pulled"};
  if (const std::string mirror = options.text("registry-mirror");
      !mirror.empty() && login.empty() && reference.registry.domain == oci::kDefaultDomain) {
    const oci::RegistryReference place = TRY(oci::at_mirror(reference.registry, mirror));
    Result<oci::Image> image = pull_from(place, reference, store, client, options, login, teller);
    if (image) return image;
    log::warning("the mirror does not give it: asking docker.io",
                 {{"image", place.str()}, {"error", image.error().text}});
  }
  return pull_from(reference.registry, reference, store, client, options, login, teller);
}

int pull_image(const std::string& text, oci::Store& store, oci::http::Client& client,
               const Options& options, const oci::Secret& login) {
  Teller teller(options, text);
  const Result<oci::Reference> reference = oci::Reference::parse(text);
  Result<oci::Image> image = Error{};
  if (reference)
    image = pull_one(*reference, store, client, options, login, teller).within(reference->str());
  else
    image = reference.error();
  if (!image) {
    teller.tell(PullFailed{image.error().fault, image.error().text});
    if (options.has("events-fd")) return kExitFailed;
    return report_failure(kCommand, origin_of_pull(image.error().fault), image.error());
  }
  teller.tell(PullReady{image->manifest.str()});
  if (!options.has("events-fd")) fmt::print("{}\n", image->manifest.str());
  return 0;
}

}  // namespace

int pull_command(const Options& options) {
  if (const Result<void> logging = configure_log(options, log::Level::warning); !logging)
    return report_usage(kCommand, logging.error());
  if (options.arguments().empty())
    return report_usage(kCommand, {Fault::invalid, "which image? See podpilot pull --help"});
  if (const auto mirror = registry_mirror(options); !mirror)
    return report_usage(kCommand, mirror.error());
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
  Result<oci::Store> store = oci::Store::open(cache).within("cache");
  if (!store) return report_failure(kCommand, Origin::site, store.error());
  if (const Result<void> shut = shut_in(cache); !shut)
    return report_failure(kCommand, Origin::pilot, shut.error());

  oci::http::Client client(
      {.user_agent = fmt::format("podpilot/{}", build_info().version), .ca_file = {}});
  int code = 0;
  for (const std::string& image : options.arguments())
    if (const int failed = pull_image(image, *store, client, options, *login)) code = failed;
  return code;
}

}  // namespace podpilot::agent
