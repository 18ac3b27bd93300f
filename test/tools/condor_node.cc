// SPDX-License-Identifier: Apache-2.0
// An execute node for one real pool on loopback, without a sandbox: proves that claims, syscall
// channel and file transfer are what schedds and shadows expect. One static slot, one job at a
// time, run as a plain child. For tests only.
//
//   condor_node COLLECTOR TOKEN-FILE FOLDER [DISK-LIMIT]
//
// Each job has a folder of its own below FOLDER. Ends when stdin does. Tells on stdout, a line
// each, what it was asked and how transfers went.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <ctime>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/scheduler/htcondor/cedar/peer_version.h"
#include "agent/scheduler/htcondor/classad/text.h"
#include "agent/scheduler/htcondor/dialogue/claim.h"
#include "agent/scheduler/htcondor/dialogue/collector.h"
#include "agent/scheduler/htcondor/dialogue/shadow.h"
#include "agent/scheduler/htcondor/dialogue/transfer.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

using namespace podpilot;
using namespace podpilot::agent::htcondor;

namespace {

constexpr const char* kSlot = "slot1@condor-node";
constexpr std::chrono::seconds kPatience = std::chrono::seconds(60);

Deadline soon() {
  return Deadline::after(kPatience);
}

template <typename... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  static std::mutex mutex;
  const std::scoped_lock lock(mutex);
  fmt::print("{}\n", fmt::format(format, std::forward<Args>(args)...));
  std::fflush(stdout);
}

[[noreturn]] void die(const std::string& text) {
  fmt::print(stderr, "condor_node: {}\n", text);
  std::exit(1);
}

std::string shown(const TransferOutcome& outcome) {
  static constexpr const char* kNames[] = {"done", "hold", "retry", "refused"};
  return fmt::format("{} {}/{} files={} bytes={} {}", kNames[static_cast<int>(outcome.verdict)],
                     static_cast<int>(outcome.why.code), outcome.why.subcode, outcome.files,
                     outcome.bytes, outcome.why.text);
}

// NAME=VALUE words are not needed here: jobs of these tests have neither quotes nor environment.
std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> list;
  for (const std::string_view word : split(text, ' '))
    if (!word.empty()) list.emplace_back(word);
  return list;
}

std::vector<std::string> comma_list(const std::string& text) {
  std::vector<std::string> list;
  for (std::string_view item : split(text, ',')) {
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty()) list.emplace_back(item);
  }
  return list;
}

class Node {
 public:
  Node(Sinful collector, const std::string& token, std::string folder, TransferLimits limits)
      : collector_(std::move(collector)),
        security_(TokenSource::from_path(token), SecurityOptions()),
        folder_(std::move(folder)),
        limits_(limits) {
    listen();
    renew_claim();
  }

  // Until stdin ends.
  void serve();
  void advertise();

 private:
  void listen();
  void renew_claim();
  SecretClaimId claim() {
    const std::scoped_lock lock(mutex_);
    return *claim_;
  }
  Ad slot_ad();
  void handle(Stream connection);
  void dispatch(Security::Inbound& inbound);
  void request(Stream& stream);
  void activate(Stream stream);
  void run_job(Shadow& shadow);
  Result<Stream> transfer_stream(const Ad& job, const Session& session, Command command);
  int run_payload(const Ad& job, const std::string& home);
  Ad starter_info() const;

  const Sinful collector_;
  Security security_;
  const std::string folder_;
  const TransferLimits limits_;
  UniqueFd listener_;
  std::string address_;
  std::mutex mutex_;
  std::optional<SecretClaimId> claim_;
  std::uint64_t sequence_ = 0;
  bool claimed_ = false;
  std::atomic<pid_t> payload_{0};
  std::atomic<int> jobs_{0};
  std::list<std::jthread> threads_;
  const std::int64_t birth_ = std::time(nullptr);
};

void Node::listen() {
  listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof here;
  auto* address = reinterpret_cast<sockaddr*>(&here);
  if (::bind(listener_.get(), address, size) != 0 || ::listen(listener_.get(), 16) != 0 ||
      ::getsockname(listener_.get(), address, &size) != 0)
    die("cannot listen");
  address_ = fmt::format("<127.0.0.1:{}?alias=condor-node&noUDP>", ntohs(here.sin_port));
}

void Node::renew_claim() {
  const std::scoped_lock lock(mutex_);
  if (claim_) security_.forget(claim_->session_id());
  claim_ = mint_claim_id(address_, birth_, ++sequence_);
  security_.admit(session_of(*claim_));
  claimed_ = false;
}

Ad Node::slot_ad() {
  Result<Ad> ad = parse_ad(
      "MyType = \"Machine\"\nTargetType = \"Job\"\nMachine = \"condor-node\"\nCpus = 1\n"
      "Memory = 1024\nDisk = 100000000\nTotalCpus = 1.0\nTotalMemory = 1024\n"
      "TotalDisk = 100000000\nTotalSlotCpus = 1\nTotalSlotMemory = 1024\n"
      "TotalSlotDisk = 100000000.0\nSlotID = 1\nSlotType = \"Static\"\nSlotTypeID = 1\n"
      "SlotWeight = Cpus\nStart = true\nRank = 0.0\nCurrentRank = 0.0\nHasFileTransfer = true\n"
      "HasReconnect = false\nUidDomain = \"condor-node\"\nFileSystemDomain = \"condor-node\"\n"
      "HasJobTransferPlugins = true\nHasFileTransferPluginMethods = \"\"\n"
      "OpSys = \"LINUX\"\nArch = \"X86_64\"\nOpSysAndVer = \"Debian12\"\nLoadAvg = 0.0\n"
      "KeyboardIdle = 999999\nRetirementTimeRemaining = 0\n"
      "CondorPlatform = \"$CondorPlatform: X86_64-Debian_12 $\"\n");
  if (!ad) die(ad.error().text);
  bool claimed = false;
  {
    const std::scoped_lock lock(mutex_);
    claimed = claimed_;
  }
  ad->set("Name", kSlot);
  ad->set("MyAddress", address_);
  ad->set("StartdIpAddr", address_);
  ad->set("CondorVersion", condor_version());
  ad->set("State", claimed ? "Claimed" : "Unclaimed");
  ad->set("Activity", payload_ > 0 ? "Busy" : "Idle");
  ad->set("EnteredCurrentState", birth_);
  ad->set("EnteredCurrentActivity", birth_);
  ad->set("DaemonStartTime", birth_);
  ad->set("MyCurrentTime", static_cast<std::int64_t>(std::time(nullptr)));
  ad->set("UpdateSequenceNumber", static_cast<std::int64_t>(std::time(nullptr)) - birth_);
  if (Result<void> set = ad->set_expression("Requirements", "Start"); !set) die(set.error().text);
  return std::move(*ad);
}

void Node::advertise() {
  Ad slot = slot_ad();
  if (slot.string("State") == "Claimed") slot.set("Requirements", false);
  Ad secret;
  secret.set("MyType", "Machine");
  secret.set("Name", kSlot);
  secret.set("MyAddress", address_);
  secret.set("StartdIpAddr", address_);
  secret.set("Capability", claim().reveal());
  secret.set("ClaimId", claim().reveal());
  const Result<void> sent = update_slot(security_, collector_, slot, secret, soon(), {});
  if (!sent) die(sent.error().text);
}

void Node::serve() {
  advertise();
  say("ready");
  for (;;) {
    pollfd ready[2] = {{0, POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    if (::poll(ready, 2, -1) < 0) continue;
    if (ready[0].revents) break;
    UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) continue;
    threads_.emplace_back([this, socket = std::move(connection)]() mutable {
      handle(Stream(std::move(socket), BorrowedFd()));
    });
  }
  if (const pid_t payload = payload_) ::kill(payload, SIGKILL);
  const Result<void> gone =
      invalidate_slot(security_, collector_, kSlot, address_, soon(), BorrowedFd());
  if (!gone) die(gone.error().text);
}

void Node::handle(Stream connection) {
  Result<Security::Inbound> inbound = security_.accept(std::move(connection), soon());
  if (!inbound) {
    say("refused: {}", inbound.error().text);
    return;
  }
  dispatch(*inbound);
}

void Node::dispatch(Security::Inbound& inbound) {
  say("command {} of {}", static_cast<int>(inbound.command), inbound.user);
  Stream& stream = inbound.stream;
  if (inbound.command == Command::request_claim) return request(stream);
  if (inbound.command == Command::activate_claim) return activate(std::move(stream));
  if (const auto kind = deactivation_kind(inbound.command)) {
    const Result<SecretClaimId> id = read_claim_id(stream, soon());
    if (!id) return say("no claim id: {}", id.error().text);
    const pid_t payload = payload_;
    const Result<void> answered = answer_deactivation(stream, {}, soon());
    if (!answered) say("deactivation not answered: {}", answered.error().text);
    if (payload > 0 && *kind != DeactivationKind::job_done && *kind != DeactivationKind::check)
      ::kill(payload, SIGKILL);
    return;
  }
  if (inbound.command == Command::release_claim) {
    const Result<SecretClaimId> id = read_claim_id(stream, soon());
    if (!id) return say("no claim id: {}", id.error().text);
    say("released {}", *id == claim() ? "our claim" : "another claim");
    renew_claim();
    advertise();
    return;
  }
  say("not served");
}

void Node::request(Stream& stream) {
  const Result<ClaimRequest> request = read_claim_request(stream, soon());
  if (!request) return say("no claim request: {}", request.error().text);
  ClaimReply reply;
  reply.accepted = request->claim_id == claim();
  say("request schedd={} alive={} leftovers={} secure={} ad={} dynamic={} user={}",
      brief(request->schedd), request->alive_interval.count(), request->send_leftovers,
      request->secure_claim_id, request->send_claimed_ad, request->dynamic_slots,
      request->job.string("User").value_or(""));
  if (reply.accepted) {
    const std::scoped_lock lock(mutex_);
    claimed_ = true;
  }
  if (reply.accepted) reply.slots.push_back({request->claim_id, slot_ad()});
  if (Result<void> sent = answer_claim_request(stream, *request, reply, soon()); !sent)
    return say("claim request not answered: {}", sent.error().text);
  advertise();
  const auto alive = send_alive(security_, request->schedd, request->claim_id, soon(), {});
  if (!alive) return say("alive: {}", alive.error().text);
  say("alive {}", *alive ? std::to_string((*alive)->count()) : "forgotten");
}

Ad Node::starter_info() const {
  Ad info;
  info.set("Name", kSlot);
  info.set("Machine", "condor-node");
  info.set("StarterIpAddr", address_);
  info.set("CondorVersion", condor_version());
  info.set("UidDomain", "condor-node");
  info.set("FileSystemDomain", "condor-node");
  info.set("CondorScratchDir", folder_);
  info.set("HasReconnect", false);
  info.set("Arch", "X86_64");
  info.set("OpSys", "LINUX");
  return info;
}

void Node::activate(Stream stream) {
  const Result<Activation> activation = read_activation(stream, soon());
  if (!activation) return say("no activation: {}", activation.error().text);
  const bool ours = activation->claim_id == claim();
  const ActivateReply reply = ours ? ActivateReply::ok : ActivateReply::no;
  const Reason why{HoldCode::activation_claim_not_found, 0, "no such claim"};
  if (Result<void> sent = answer_activation(stream, *activation, reply, why, soon()); !sent)
    return say("activation not answered: {}", sent.error().text);
  if (!ours) return;
  Shadow shadow(std::move(stream), kPatience);
  run_job(shadow);
}

Result<Stream> Node::transfer_stream(const Ad& job, const Session& session, Command command) {
  const Sinful place = TRY(parse_sinful(job.string("TransferSocket").value_or("")));
  return security_.command(place, command, session, soon(), BorrowedFd());
}

int Node::run_payload(const Ad& job, const std::string& home) {
  const std::string cmd = job.string("Cmd").value_or("");
  const bool brought = job.boolean("TransferExecutable").value_or(true);
  std::vector<std::string> argv = words(job.string("Arguments").value_or(""));
  if (argv.empty()) argv = words(job.string("Args").value_or(""));
  argv.insert(argv.begin(), brought ? home + "/" + cmd.substr(cmd.rfind('/') + 1) : cmd);
  std::vector<char*> raw;
  for (std::string& word : argv) raw.push_back(word.data());
  raw.push_back(nullptr);
  char path[] = "PATH=/usr/bin:/bin";
  char* environment[] = {path, nullptr};
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  const int create = O_WRONLY | O_CREAT | O_TRUNC;
  ::posix_spawn_file_actions_addopen(&actions, 1, (home + "/_podpilot_stdout").c_str(), create,
                                     0644);
  ::posix_spawn_file_actions_addopen(&actions, 2, (home + "/_podpilot_stderr").c_str(), create,
                                     0644);
  ::posix_spawn_file_actions_addchdir_np(&actions, home.c_str());
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, raw[0], &actions, nullptr, raw.data(), environment);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed) return failed == ENOENT ? 127 << 8 : 126 << 8;
  payload_ = pid;
  int status = 0;
  ::waitpid(pid, &status, 0);
  payload_ = 0;
  return status;
}

void Node::run_job(Shadow& shadow) {
  const Result<Ad> job = shadow.job_info();
  if (!job) return say("{}", job.error().text);
  if (const auto r = shadow.register_starter(starter_info()); !r) return say("{}", r.error().text);
  const Result<SessionInfo> sessions = shadow.session_info();
  if (!sessions) return say("{}", sessions.error().text);
  const ExportedSession& exported = sessions->transfer;
  const Result<Session> session =
      session_of_exported(exported.id, exported.info, exported.key.reveal());
  if (!session) return say("{}", session.error().text);

  const std::string home = fmt::format("{}/job{}", folder_, ++jobs_);
  const Result<DirFd> dir = make_dirs(home, 0755);
  if (!dir) return say("{}", dir.error().text);
  const std::string key = job->string("TransferKey").value_or("");
  const std::string cmd = job->string("Cmd").value_or("");
  const std::string executable = cmd.substr(cmd.rfind('/') + 1);

  Result<Stream> inputs = transfer_stream(*job, *session, Command::filetrans_upload);
  if (!inputs) return say("{}", inputs.error().text);
  const TransferOutcome received = receive_files(*inputs, key, *dir, executable, limits_);
  say("inputs {}", shown(received));
  if (received.verdict != TransferVerdict::done) {
    const Result<void> held = shadow.hold(received.why, kSlot);
    if (!held) say("{}", held.error().text);
    return;
  }
  const Result<Catalog> before = take_catalog(*dir);
  if (!before) return say("{}", before.error().text);
  if (const auto r = shadow.begin_execution(); !r) return say("{}", r.error().text);
  const int status = run_payload(*job, home);
  say("payload ended with {}", status);

  OutputWish wish;
  if (const auto list = job->string("TransferOutput")) wish.list = comma_list(*list);
  wish.preserve_relative_paths = job->boolean("PreserveRelativePaths").value_or(false);
  wish.stdout_path = "_podpilot_stdout";
  wish.stderr_path = "_podpilot_stderr";
  wish.not_output = {executable};
  const Result<OutgoingFiles> files = outgoing_files(*dir, wish, *before, limits_.entries);
  if (!files) return say("{}", files.error().text);
  Result<Stream> outputs = transfer_stream(*job, *session, Command::filetrans_download);
  if (!outputs) return say("{}", outputs.error().text);
  const TransferOutcome sent =
      send_files(*outputs, key, *dir, *files, TransferKind::final, limits_);
  say("outputs {}", shown(sent));
  if (sent.verdict != TransferVerdict::done) {
    const Result<void> held = shadow.hold(sent.why, kSlot);
    if (!held) say("{}", held.error().text);
    return;
  }
  Ad last;
  last.set("JobState", "Exited");
  last.set("NumPids", 0);
  last.set("ExitBySignal", WIFSIGNALED(status));
  if (WIFSIGNALED(status))
    last.set("ExitSignal", WTERMSIG(status));
  else
    last.set("ExitCode", WEXITSTATUS(status));
  last.set("BytesSent", sent.bytes);
  last.set("BytesRecvd", received.bytes);
  if (const auto r = shadow.termination(last); !r) return say("{}", r.error().text);
  const Result<void> ended = shadow.exit(status, ExitReason::exited, last);
  say("exit {}", ended ? "heard" : ended.error().text);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) die("usage: condor_node COLLECTOR TOKEN-FILE FOLDER [DISK-LIMIT]");
  ::signal(SIGPIPE, SIG_IGN);
  Result<Sinful> collector = parse_sinful(argv[1]);
  if (!collector) die(collector.error().text);
  TransferLimits limits;
  if (argc == 5) limits.bytes = parse_bytes(argv[4]).value_or(0);
  Node node(std::move(*collector), argv[2], argv[3], limits);
  node.serve();
}
