// SPDX-License-Identifier: Apache-2.0
// Packets off the wire, in clear and under a key, and the values inside them. The first byte says
// what is read.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/scheduler/htcondor/cedar/message.h"
#include "agent/scheduler/htcondor/cedar/packet.h"

namespace {

using namespace podpilot::agent::htcondor;

void read_values(std::string_view body, Coding coding) {
  MessageReader in{std::string(body), coding};
  for (std::size_t before = in.left() + 1; in.left() > 0 && in.left() < before;) {
    before = in.left();
    if (in.string()) continue;
    if (in.count(1000)) continue;
    if (in.integer()) continue;
    static_cast<void>(in.bytes(1));
  }
}

void read_packets(std::string_view rest, bool encrypted) {
  PacketCodec codec;
  if (encrypted) codec.encrypt(session_key("fuzz"));
  while (rest.size() >= kPacketHeader) {
    const std::string_view header = rest.substr(0, kPacketHeader);
    const auto parsed = parse_packet_header(header);
    if (!parsed) return;
    rest.remove_prefix(kPacketHeader);
    const std::string_view body = rest.substr(0, parsed->length);
    rest.remove_prefix(body.size());
    const auto opened = codec.open(header, body);
    if (!opened) return;
    read_values(*opened, encrypted ? Coding::encrypted : Coding::clear);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      read_packets(rest, false);
      break;
    case 1:
      read_packets(rest, true);
      break;
    case 2:
      read_values(rest, Coding::clear);
      break;
    default:
      read_values(rest, Coding::encrypted);
  }
  return 0;
}
