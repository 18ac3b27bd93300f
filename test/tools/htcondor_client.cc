// SPDX-License-Identifier: Apache-2.0
// What the HTCondor scheduler says to a pool, one thing at a time, for tests against a real one.
//
//   htcondor_client COLLECTOR TOKENS STEP...
//
// COLLECTOR as in --scheduler; TOKENS a file or folder, or "env:NAME". Steps, in order, each one
// line on stdout when it worked ("error: FAULT TEXT" and exit 1 when not):
//   update NAME      advertise a slot of that name
//   invalidate NAME  take it back
//   ccb              register with the broker; prints the contact; peers' connections are accepted
//   wait SECONDS
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <future>
#include <mutex>
#include <thread>

#include "agent/scheduler/htcondor/cedar/peer_version.h"
#include "agent/scheduler/htcondor/dialogue/ccb.h"
#include "agent/scheduler/htcondor/dialogue/collector.h"
#include "agent/scheduler/htcondor/security/claim_id.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

template <typename... Arguments>
void say(fmt::format_string<Arguments...> form, Arguments&&... arguments) {
  fmt::print("{}\n", fmt::format(form, std::forward<Arguments>(arguments)...));
  std::fflush(stdout);
}

// What a broker said first.
struct First {
  std::promise<Result<std::vector<std::string>>> outcome;
  std::once_flag once;
  void set(Result<std::vector<std::string>> value) {
    std::call_once(once, [&] { outcome.set_value(std::move(value)); });
  }
};

class Client {
 public:
  Client(Sinful collector, TokenSource tokens)
      : collector_(std::move(collector)), security_(std::move(tokens), {}) {
    address_.host = "10.255.255.1";  // nobody can connect to it
    address_.port = 1;
    address_.private_network = fmt::format("net-{}", ::getpid());
    address_.no_udp = true;
  }
  ~Client() { ::eventfd_write(stop_.get(), 1); }

  Result<void> step(const std::string& what, const std::string& argument) {
    if (what == "update") return update(argument);
    if (what == "invalidate") {
      TRY(invalidate_slot(security_, collector_, argument, format(address_),
                          Deadline::after(kPatience), stop_));
      say("invalidated {}", argument);
      return {};
    }
    if (what == "ccb") return listen();
    if (what == "wait") {
      std::this_thread::sleep_for(parse_duration(argument).value_or(std::chrono::seconds(1)));
      return {};
    }
    return Error{Fault::invalid, "no such step: " + what};
  }

 private:
  Result<void> update(const std::string& name) {
    const SecretClaimId claim = mint_claim_id(format(address_), ::time(nullptr), ++sequence_);
    security_.admit(session_of(claim));
    Ad slot;
    for (const auto& [key, value] : std::initializer_list<std::pair<const char*, std::string>>{
             {"MyType", "Machine"},
             {"TargetType", "Job"},
             {"Name", name},
             {"Machine", "pod"},
             {"State", "Unclaimed"},
             {"Activity", "Idle"},
             {"OpSys", "LINUX"},
             {"Arch", "X86_64"},
             {"SlotType", "Static"},
             {"UidDomain", "pod"},
             {"FileSystemDomain", "pod"},
             {"CondorVersion", condor_version()},
             {"CondorPlatform", "$CondorPlatform: X86_64-Debian_12 $"}})
      slot.set(key, value);
    for (const char* key : {"Cpus", "Memory", "Disk", "TotalCpus", "TotalSlotCpus", "SlotID"})
      slot.set(key, 1);
    slot.set("Memory", 1024);
    slot.set("Disk", 1'000'000);
    slot.set("HasFileTransfer", true);
    slot.set("Start", true);
    TRY(slot.set_expression("Requirements", "START"));
    slot.set("Rank", 0.0);
    slot.set("CurrentRank", 0.0);
    slot.set("MyCurrentTime", ::time(nullptr));
    slot.set("EnteredCurrentState", ::time(nullptr));
    slot.set("EnteredCurrentActivity", ::time(nullptr));
    Ad secret;
    secret.set("MyType", "Machine");
    secret.set("Name", name);
    for (Ad* ad : {&slot, &secret}) {
      ad->set("MyAddress", format(address_));
      ad->set("StartdIpAddr", format(address_));
    }
    secret.set("Capability", claim.reveal());
    secret.set("ClaimId", claim.reveal());
    TRY(update_slot(security_, collector_, slot, secret, Deadline::after(kPatience), stop_));
    say("updated {}", name);
    return {};
  }

  Result<void> listen() {
    auto first = std::make_shared<First>();
    auto outcome = first->outcome.get_future();
    CcbHandlers handlers;
    handlers.contacts = [first](std::vector<std::string> contacts) {
      say("contact {}", fmt::join(contacts, " "));
      first->set(std::move(contacts));
    };
    handlers.trouble = [first](const Sinful&, const Error& fault) {
      say("trouble {}: {}", to_string(fault.fault), fault.text);
      first->set(fault);
    };
    handlers.connection = [this](Stream connection) {
      auto inbound = security_.accept(std::move(connection), Deadline::after(kPatience));
      if (!inbound) return say("refused: {}", inbound.error().text);
      say("command {} from {}", static_cast<int>(inbound->command), inbound->user);
    };
    listener_ = std::make_unique<CcbListener>(
        security_, std::vector{collector_},
        CcbOptions{
            .name = "test", .heartbeat = std::chrono::seconds(2), .retry = std::chrono::seconds(1)},
        std::move(handlers), stop_);
    auto got = outcome.get();
    if (!got) return std::move(got).error();
    address_.ccb_contacts = *std::move(got);
    return {};
  }

  const Sinful collector_;
  Sinful address_;
  std::uint64_t sequence_ = 0;
  UniqueFd stop_{::eventfd(0, EFD_CLOEXEC)};
  Security security_;
  std::unique_ptr<CcbListener> listener_;
};

Result<void> run(const std::vector<std::string>& arguments) {
  const auto collectors = TRY(parse_sinful_list(arguments[0]));
  TokenSource tokens;
  if (arguments[1].starts_with("env:"))
    tokens = TRY(TokenSource::from_environment(arguments[1].c_str() + 4));
  else
    tokens = TokenSource::from_path(arguments[1]);
  Client client(collectors.front(), std::move(tokens));
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    const bool has_argument = arguments[i] != "ccb";
    const std::string& what = arguments[i];
    if (has_argument && i + 1 == arguments.size())
      return Error{Fault::invalid, what + " takes an argument"};
    TRY(client.step(what, has_argument ? arguments[++i] : ""));
  }
  return {};
}

}  // namespace
}  // namespace podpilot::agent::htcondor

int main(int argc, char** argv) {
  using namespace podpilot;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() < 3) {
    fmt::print(stderr, "usage: htcondor_client COLLECTOR TOKENS STEP...\n");
    return 2;
  }
  const auto done = agent::htcondor::run(arguments);
  if (done) return 0;
  fmt::print("error: {} {}\n", to_string(done.error().fault), done.error().text);
  return 1;
}
