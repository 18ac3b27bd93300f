// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/cedar/stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "agent/scheduler/htcondor/cedar/file.h"
#include "sandbox/base/io.h"
#include "test/catch.h"
#include "test/support/fake_pool.h"
#include "test/support/hex.h"

namespace podpilot::agent::htcondor {
namespace {

using namespace std::chrono_literals;
using test::from_hex;

Deadline soon() {
  return Deadline::after(10s);
}

// A stream, and the bare other end.
struct Half {
  Half() : Half(test::stream_pair()) {}
  explicit Half(std::pair<UniqueFd, UniqueFd> ends)
      : stream(std::move(ends.first), BorrowedFd()), raw(std::move(ends.second)) {}
  Stream stream;
  UniqueFd raw;
};

// Two streams that share a key.
struct Pair {
  Pair() : Pair(test::stream_pair()) {}
  explicit Pair(std::pair<UniqueFd, UniqueFd> ends)
      : one(std::move(ends.first), BorrowedFd()), other(std::move(ends.second), BorrowedFd()) {
    one.encrypt(session_key("k"));
    other.encrypt(session_key("k"));
  }
  Stream one;
  Stream other;
};

UniqueFd memory_file(const std::string& content) {
  UniqueFd file(::memfd_create("content", MFD_CLOEXEC));
  static_cast<void>(write_all(file, content));
  return file;
}

std::string content_of(BorrowedFd file) {
  ::lseek(file.get(), 0, SEEK_SET);
  return read_all(file, 64 << 20).value_or("unreadable");
}

TEST_CASE("messages of one packet and of many", "[htcondor][cedar]") {
  Pair pair;
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{1} << 18, (std::size_t{3} << 20) + 7}) {
    const std::string body(size, 'm');
    MessageWriter message = pair.one.writer();
    message.bytes(body);
    auto sent = std::async(std::launch::async, [&] { return pair.one.send(message, soon()); });
    auto got = pair.other.receive(kMaxAdMessage, soon());
    REQUIRE(got);
    CHECK(got->left() == size);
    CHECK(*got->bytes(size) == body);
    CHECK(sent.get());
  }
  CHECK_FALSE(pair.one.send(pair.one.writer(), soon()));  // CEDAR has no empty message
}

TEST_CASE("a peer that breaks the protocol", "[htcondor][cedar]") {
  struct Row {
    const char* sent;
    Fault fault;
  };
  const Row rows[] = {
      {"0100000000", Fault::invalid},        // an empty packet
      {"0100100001", Fault::invalid},        // one over 1 MiB
      {"474554202f", Fault::invalid},        // HTTP
      {"01000003e9", Fault::invalid},        // over the limit of 1000 bytes
      {"", Fault::not_found},                // closed
      {"0100", Fault::transient},            // closed in a header
      {"01000000056869", Fault::transient},  // closed in a body
      {"00000000026869", Fault::transient},  // closed between two packets
  };
  for (const Row& row : rows) {
    CAPTURE(row.sent);
    Half half;
    REQUIRE(write_all(half.raw, from_hex(row.sent)));
    half.raw.reset();
    const auto got = half.stream.receive(1000, soon());
    REQUIRE_FALSE(got);
    CHECK(got.error().fault == row.fault);
  }
}

TEST_CASE("a message that does not end", "[htcondor][cedar]") {
  Half half;
  std::jthread peer([fd = half.raw.get()] {
    const std::string packet = from_hex("0000000001") + "x";
    while (::send(fd, packet.data(), packet.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  const auto got = half.stream.receive(10'000, soon());
  REQUIRE_FALSE(got);
  CHECK(got.error().fault == Fault::invalid);
  ::shutdown(half.stream.socket().get(), SHUT_RDWR);
}

TEST_CASE("an endless row of empty encrypted packets", "[htcondor][cedar]") {
  auto [here, there] = test::stream_pair();
  Stream stream(std::move(here), BorrowedFd());
  stream.encrypt(
      *Key::from(from_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")));
  // From python's cryptography: nothing in clear before, one empty packet that is not the last.
  REQUIRE(write_all(there, from_hex("0000000020"
                                    "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
                                    "bff319cb34b14f4c81609696f577f308")));
  const auto got = stream.receive(1000, soon());
  REQUIRE_FALSE(got);
  CHECK(got.error().fault == Fault::invalid);
}

TEST_CASE("deadlines and stops", "[htcondor][cedar]") {
  auto [here, there] = test::stream_pair();
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  Stream stream(std::move(here), stop);
  CHECK(stream.wait(Deadline::after(10ms)) == false);
  auto late = stream.receive(1000, Deadline::after(10ms));
  REQUIRE_FALSE(late);
  CHECK(late.error().fault == Fault::transient);
  REQUIRE(write_all(there, "x"));
  CHECK(stream.wait(soon()) == true);
  std::jthread stopper([&] {
    std::this_thread::sleep_for(50ms);
    ::eventfd_write(stop.get(), 1);
  });
  auto stopped = stream.receive(1000, soon());
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().text == "stopped");
  // A peer that does not read holds nobody for ever.
  Half deaf;
  MessageWriter large = deaf.stream.writer();
  large.bytes(std::string(8 << 20, 'x'));
  CHECK(deaf.stream.send(large, Deadline::after(50ms)).error().fault == Fault::transient);
}

TEST_CASE("dialling", "[htcondor][cedar]") {
  test::FakePool pool([](Stream&, Command) {});
  CHECK(Stream::dial(pool.address(), soon(), BorrowedFd()));
  Sinful named = pool.address();
  named.host = "localhost";
  CHECK(Stream::dial(named, soon(), BorrowedFd()));
  Sinful several = pool.address();
  several.addrs = {{"127.0.0.1", 1}, {"127.0.0.1", several.port}};
  CHECK(Stream::dial(several, soon(), BorrowedFd()));
  Sinful closed = pool.address();
  closed.port = 1;
  closed.ccb_contacts = {"broker#1"};
  const auto refused = Stream::dial(closed, soon(), BorrowedFd());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().fault == Fault::transient);
  CHECK(refused.error().text.contains("broker"));
}

TEST_CASE("a daemon behind a shared port is asked for first", "[htcondor][cedar]") {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::listen(listener.get(), 1) == 0);
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  Sinful peer;
  peer.host = "127.0.0.1";
  peer.port = ntohs(bound.sin_port);
  peer.sock = "schedd_1_2";
  auto dialled = Stream::dial(peer, soon(), BorrowedFd());
  REQUIRE(dialled);
  Stream port(UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)), BorrowedFd());
  auto request = port.receive(1000, soon());
  REQUIRE(request);
  CHECK(request->integer() == 75);
  CHECK(request->string() == "schedd_1_2");
  CHECK(request->string() == "podpilot");
  const auto seconds = request->integer();
  REQUIRE(seconds);
  CHECK((*seconds > 0 && *seconds <= 10));
  CHECK(request->integer() == 0);
  CHECK(request->left() == 0);
  // The daemon has not seen any of that.
  port.reset_digests();
  port.encrypt(session_key("k"));
  dialled->encrypt(session_key("k"));
  REQUIRE(dialled->send(dialled->writer().integer(1), soon()));
  CHECK(port.receive(1000, soon()));
}

TEST_CASE("files of all sizes", "[htcondor][cedar]") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kFileChunk - 1, kFileChunk,
                                 kFileChunk + 1, (std::size_t{5} << 20) + 3}) {
    CAPTURE(size);
    Pair pair;
    std::string content(size, '\0');
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31 >> 3);
    const UniqueFd from = memory_file(content);
    const UniqueFd to = memory_file("");
    auto sent = std::async(std::launch::async, [&] { return send_file(pair.one, from, size, {}); });
    std::uint64_t seen = 0;
    const auto received =
        receive_file(pair.other, to, size, {.progress = [&](std::uint64_t n) { seen = n; }});
    REQUIRE(received);
    CHECK(received->size == size);
    CHECK_FALSE(received->write_error);
    CHECK(seen == size);
    CHECK(content_of(to) == content);
    CHECK(sent.get());
  }
}

TEST_CASE("files that go wrong", "[htcondor][cedar]") {
  SECTION("a file that shrinks while it is sent") {
    Pair pair;
    const UniqueFd from = memory_file("short");
    CHECK(send_file(pair.one, from, 10, {}).error().fault == Fault::corrupt);
  }
  SECTION("one that is larger than allowed is not read") {
    Pair pair;
    const UniqueFd from = memory_file("too long");
    const UniqueFd to = memory_file("");
    REQUIRE(send_file(pair.one, from, 8, {}));
    CHECK(receive_file(pair.other, to, 7, {}).error().fault == Fault::exhausted);
    CHECK(content_of(to).empty());
  }
  SECTION("one that cannot be written is read to its end") {
    Pair pair;
    const UniqueFd from = memory_file(std::string(600'000, 'x'));
    const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    auto sent = std::async(std::launch::async, [&] {
      const auto file = send_file(pair.one, from, 600'000, {});
      return file && pair.one.send(pair.one.writer().integer(7), soon());
    });
    const auto received = receive_file(pair.other, full, 1 << 20, {});
    REQUIRE(received);
    REQUIRE(received->write_error);
    CHECK(received->write_error->fault == Fault::exhausted);
    CHECK(pair.other.receive(1000, soon())->integer() == 7);
    CHECK(sent.get());
  }
  SECTION("sizes that cannot be") {
    for (const auto& [size, chunk] :
         {std::pair{-1L, 10L}, {10L, 0L}, {10L, -1L}, {10L, 1L << 40}}) {
      CAPTURE(size, chunk);
      Pair pair;
      REQUIRE(pair.one.send(pair.one.writer().integer(size).integer(chunk), soon()));
      CHECK(receive_file(pair.other, memory_file(""), 1000, {}).error().fault == Fault::invalid);
    }
  }
  SECTION("more than was announced") {
    Pair pair;
    REQUIRE(pair.one.send(pair.one.writer().integer(3).integer(10), soon()));
    REQUIRE(pair.one.send(pair.one.writer().bytes("four"), soon()));
    CHECK(receive_file(pair.other, memory_file(""), 1000, {}).error().fault == Fault::invalid);
  }
  SECTION("without encryption") {
    Half half;
    CHECK(send_file(half.stream, memory_file("x"), 1, {}).error().fault == Fault::unsupported);
  }
}

}  // namespace
}  // namespace podpilot::agent::htcondor
