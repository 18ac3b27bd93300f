// SPDX-License-Identifier: Apache-2.0
#include "test/support/fake_registry.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "oci/http/client.h"
#include "sandbox/base/io.h"
#include "sandbox/base/json.h"

namespace podpilot::test {
namespace {

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "fake registry: %s\n", what.c_str());
  std::abort();
}

std::array<UniqueFd, 2> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) die("pipe2");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::string first_line(BorrowedFd fd) {
  std::string line;
  char c = 0;
  while (!line.ends_with('\n')) {
    const auto count = read_some(fd, &c, 1);
    if (!count || *count == 0) die("no port: is python3 installed?");
    line += c;
  }
  return line;
}

}  // namespace

FakeRegistry::FakeRegistry(std::string script, const std::string& certificate,
                           const std::string& key) {
  auto [child_in, our_out] = make_pipe();
  auto [our_in, child_out] = make_pipe();
  SpawnOptions options;
  options.program = "/usr/bin/python3";
  options.argv = {"python3", "-IS", PODPILOT_TEST_SOURCE_DIR "/fakes/registry.py"};
  if (!certificate.empty()) options.argv.insert(options.argv.end(), {"--tls", certificate, key});
  options.descriptors = {child_in, child_out, BorrowedFd(STDERR_FILENO)};
  auto child = spawn(options);
  if (!child) die(child.error().text);
  child_ = std::move(*child);
  child_in.reset();
  child_out.reset();
  stdin_ = std::move(our_out);
  std::replace(script.begin(), script.end(), '\n', ' ');
  if (!write_all(stdin_, script + "\n")) die("cannot write the script");
  if (std::sscanf(first_line(our_in).c_str(), "port %d", &port_) != 1) die("no port");
}

std::vector<FakeRegistry::Seen> FakeRegistry::seen(std::string_view path) {
  const auto url = oci::http::Url::parse("http://" + host() + "/_log");
  oci::http::Client client({.user_agent = "test"});
  oci::http::Request request(*url);
  request.max_body = 1 << 20;
  const auto response = client.send(request);
  if (!response) die(response.error().text);
  const auto log = parse_json(response->body);
  if (!log) die(log.error().text);
  std::vector<Seen> out;
  for (const Json& item : *log) {
    const Json& headers = item["headers"];
    const Seen one{item["method"],
                   item["path"],
                   item["query"],
                   item["body"],
                   headers.value("authorization", ""),
                   headers.value("range", "")};
    if (path.empty() || one.path == path) out.push_back(one);
  }
  return out;
}

std::string fake_bytes(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * 7 + i / 251) % 256);
  return out;
}

}  // namespace podpilot::test
