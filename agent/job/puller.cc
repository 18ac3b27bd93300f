// SPDX-License-Identifier: Apache-2.0
#include "agent/job/puller.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/jitter.h"
#include "agent/job/pull_child.h"
#include "oci/http/url.h"
#include "sandbox/base/log.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

using Answer = std::expected<SuppliedImage, ImageFailure>;

// A folder as an image: no config, one layer that nobody holds.
SuppliedImage folder_image(const std::string& path) {
  return {
      .image = {.config = {}, .manifest = oci::Digest::of(path), .layers = {path}, .lease = {}}};
}

// One on loopback is this pod's own.
bool shared_with_others(const oci::Reference& reference) {
  if (reference.kind != oci::ReferenceKind::registry) return false;
  const auto url = oci::http::Url::parse("http://" + reference.registry.registry_host());
  return url && !oci::http::is_loopback(url->host());
}

Answer no_image(Origin origin, Error error) {
  return std::unexpected(ImageFailure{origin, std::move(error)});
}

}  // namespace

// One request: waits for its answer, which was known at once, or for a pull that it has a part in.
class Puller::Ticket final : public ImageSupplier::Request {
 public:
  explicit Ticket(Ready ready) : ready_(std::move(ready)) {}
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() override;

  void answer_later(Poller& poller, Answer answer) {
    answer_.emplace(std::move(answer));
    later_ = poller.after({}, [this] { give(*std::exchange(answer_, std::nullopt)); });
  }
  void wait_for(std::shared_ptr<Pull> pull) { pull_ = std::move(pull); }
  Clock::time_point since() const { return since_; }

  // Last thing that this object does: the callback may destroy it.
  void give(Answer answer) {
    pull_.reset();
    const Ready ready = std::move(ready_);
    ready(std::move(answer));
  }

 private:
  Ready ready_;
  Clock::time_point since_ = Clock::now();
  std::shared_ptr<Pull> pull_;
  std::optional<Answer> answer_;
  Poller::Handle later_;
};

class Puller::Pull final : public std::enable_shared_from_this<Pull> {
 public:
  Pull(Puller& owner, oci::Reference reference, oci::Secret login)
      : owner_(owner), reference_(std::move(reference)), login_(std::move(login)) {}

  bool is_for(const oci::Reference& reference, const oci::Secret& login) const {
    return reference_.str() == reference.str() && login_.reveal() == login.reveal();
  }

  // Now, or when the registry may be asked again.
  Result<void> start() {
    const Clock::time_point now = Clock::now();
    const Clock::duration asked = owner_.waits_.left(reference_.registry.domain, now);
    // Not all that wait at the same moment.
    Clock::duration wait = jittered_above(asked);
    if (shared_with_others(reference_)) wait = std::max(wait, owner_.first_contact_ - now);
    if (wait <= Clock::duration::zero()) return make_room();
    if (asked > Clock::duration::zero())
      log::info("a registry asked for patience", {{"registry", reference_.registry.domain}});
    later_ = owner_.poller_.after(wait, [this] { or_fail(make_room()); });
    return {};
  }

  void add(Ticket& ticket) { waiting_.push_back(&ticket); }
  void leave(Ticket& ticket) {
    std::erase(waiting_, &ticket);
    if (waiting_.empty()) owner_.forget(*this);
  }

 private:
  Result<void> make_room() {
    if (!owner_.settings_.keeper) return start_child();
    owner_.settings_.keeper->before_pull([self = weak_from_this()] {
      if (const std::shared_ptr<Pull> pull = self.lock()) pull->or_fail(pull->start_child());
    });
    return {};
  }

  void or_fail(const Result<void>& started) {
    if (!started) give_all(std::unexpected(ImageFailure{Origin::pilot, started.error()}));
  }

  Result<void> start_child() {
    const PullOrder order{.reference = reference_.str(),
                          .cache = owner_.settings_.cache,
                          .arguments = owner_.settings_.arguments,
                          .login = login_};
    PullChild::Listener listener{.progress = owner_.settings_.progress,
                                 .overloaded =
                                     [this](std::chrono::milliseconds wait) {
                                       owner_.waits_.note(reference_.registry.domain, wait,
                                                          Clock::now());
                                     },
                                 .over = [this](const auto& result) { over(result); }};
    child_ = TRY(PullChild::start(owner_.poller_, order, std::move(listener)));
    return {};
  }

  void over(const std::expected<PulledImage, ImageFailure>& result) {
    const bool no_room = !result && result.error().error.fault == Fault::exhausted;
    if (!no_room || !owner_.settings_.keeper || std::exchange(made_way_, true))
      return give_all(result);
    owner_.settings_.keeper->make_way([self = weak_from_this(), result](bool made) {
      const std::shared_ptr<Pull> pull = self.lock();
      if (!pull) return;
      if (made) return pull->or_fail(pull->start_child());
      pull->give_all(result);
    });
  }

  // A callback may end its request and others, and ask for the image again: that is another pull.
  // To the first request the pull is put down.
  void give_all(const std::expected<PulledImage, ImageFailure>& result) {
    const std::shared_ptr<Pull> alive = shared_from_this();
    owner_.forget(*this);
    std::optional<PullReady> figures;
    if (result) figures = result->figures;
    while (!waiting_.empty()) {
      Ticket& ticket = *waiting_.front();
      waiting_.erase(waiting_.begin());
      if (!result) {
        ticket.give(std::unexpected(result.error()));
        continue;
      }
      ticket.give(from_store(result->manifest, std::exchange(figures, std::nullopt), ticket));
    }
    if (owner_.settings_.keeper) owner_.settings_.keeper->after_pull();
  }

  // The child holds the image until all have it.
  Answer from_store(const oci::Digest& manifest, std::optional<PullReady> figures,
                    const Ticket& ticket) {
    Result<std::optional<oci::Image>> image = owner_.store_.find(manifest);
    if (!image) return no_image(Origin::site, image.error());
    if (!*image)
      return no_image(Origin::site,
                      {Fault::exhausted, fmt::format("{} is gone as soon as it was pulled",
                                                     printable(reference_.str()))});
    const Clock::duration waited = Clock::now() - std::max(child_->started(), ticket.since());
    return SuppliedImage{.image = **std::move(image),
                         .pull_time = std::chrono::duration_cast<std::chrono::milliseconds>(waited),
                         .pull = std::move(figures)};
  }

  Puller& owner_;
  oci::Reference reference_;
  oci::Secret login_;
  std::vector<Ticket*> waiting_;  // each leaves before it ends
  bool made_way_ = false;         // unused images, for want of room
  std::unique_ptr<PullChild> child_;
  Poller::Handle later_;
};

Puller::Ticket::~Ticket() {
  if (pull_) pull_->leave(*this);
}

Puller::Puller(Poller& poller, oci::Store& store, PullSettings settings)
    : poller_(poller),
      store_(store),
      settings_(std::move(settings)),
      first_contact_(Clock::now() + share_of(settings_.first_contact, random_number())) {}
Puller::~Puller() = default;

Result<void> Puller::join(Ticket& ticket, const oci::Reference& reference,
                          const oci::Secret& login) {
  const auto found = std::ranges::find_if(
      under_way_, [&](const auto& pull) { return pull->is_for(reference, login); });
  std::shared_ptr<Pull> pull;
  if (found != under_way_.end()) {
    pull = *found;
  } else {
    pull = std::make_shared<Pull>(*this, reference, login);
    TRY(pull->start());
    under_way_.push_back(pull);
  }
  pull->add(ticket);
  ticket.wait_for(std::move(pull));
  return {};
}

void Puller::forget(const Pull& pull) {
  under_way_.remove_if([&pull](const auto& other) { return other.get() == &pull; });
}

std::optional<Answer> Puller::at_hand(const oci::Reference& reference, PullPolicy policy) {
  if (reference.kind == oci::ReferenceKind::directory) {
    if (const Result<DirFd> folder = open_dir(reference.path); !folder)
      return no_image(Origin::image, folder.error());
    return folder_image(reference.path);
  }
  // Files on disk say themselves whether the cache has them; asking costs no network.
  const Result<void> writable = store_.layout().writable();
  if (policy == PullPolicy::always ||
      (policy == PullPolicy::missing && reference.kind != oci::ReferenceKind::registry && writable))
    return writable ? std::nullopt : std::optional(no_image(Origin::site, writable.error()));
  // After a restart of the node the child compares layers with their checksums, which may take
  // long; where there is to be no child it is done here.
  Result<std::optional<oci::Image>> found = store_.find(
      reference.str(), oci::Platform::host(),
      policy == PullPolicy::never ? oci::Store::Unsettled::compare : oci::Store::Unsettled::skip);
  if (!found) return no_image(Origin::site, found.error());
  if (*found) return SuppliedImage{.image = **std::move(found)};
  if (policy != PullPolicy::never)
    return writable ? std::nullopt : std::optional(no_image(Origin::site, writable.error()));
  return no_image(Origin::image,
                  {Fault::not_found, fmt::format("{} is not in the cache, and it was said never to "
                                                 "pull",
                                                 printable(reference.str()))});
}

std::unique_ptr<ImageSupplier::Request> Puller::request(const ImageWish& wish, Ready ready) {
  auto ticket = std::make_unique<Ticket>(std::move(ready));
  const Result<oci::Reference> reference = oci::Reference::parse(wish.reference);
  if (!reference) {
    ticket->answer_later(poller_, no_image(Origin::image, reference.error()));
  } else if (std::optional<Answer> answer = at_hand(*reference, wish.policy)) {
    ticket->answer_later(poller_, *std::move(answer));
  } else if (const Result<void> joined = join(*ticket, *reference, wish.login); !joined) {
    ticket->answer_later(poller_, no_image(Origin::pilot, joined.error()));
  }
  return ticket;
}

void Puller::give_back(SuppliedImage image) {
  const bool stored = !image.image.lease.locks.empty();  // a folder has no manifest
  image.image.lease = {};
  if (stored && settings_.keeper) settings_.keeper->after_job(image.image.manifest);
}

}  // namespace podpilot::agent
