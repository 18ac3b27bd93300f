// SPDX-License-Identifier: Apache-2.0
// Messages with descriptors over a unix SOCK_SEQPACKET pair (unix(7), SCM_RIGHTS).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot {

inline constexpr std::size_t kMaxMessageDescriptors = 8;

struct Message {
  std::string bytes;  // empty: the other end is closed
  std::vector<UniqueFd> descriptors;
};

enum class Wait { no, yes };

Result<std::pair<UniqueFd, UniqueFd>> socket_pair();

// Blocks while the buffer is full. A closed peer is Fault::not_found, never a SIGPIPE.
Result<void> send_message(BorrowedFd socket, std::string_view bytes,
                          const std::vector<BorrowedFd>& descriptors = {});

// Nothing where Wait::no and no message is there. Longer than `limit` is Fault::invalid.
Result<std::optional<Message>> receive_message(BorrowedFd socket, std::size_t limit, Wait wait);

}  // namespace podpilot
