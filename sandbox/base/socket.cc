// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/socket.h"

#include <sys/socket.h>

#include <cstring>

#include "sandbox/base/errno.h"

namespace podpilot {

Result<std::pair<UniqueFd, UniqueFd>> socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return sys_error("socketpair");
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

Result<void> send_message(BorrowedFd socket, std::string_view bytes,
                          const std::vector<BorrowedFd>& descriptors) {
  if (descriptors.size() > kMaxMessageDescriptors)
    return Error{Fault::internal, "too many descriptors for a message"};
  iovec data{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxMessageDescriptors * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
      const int fd = descriptors[i].get();
      std::memcpy(CMSG_DATA(rights) + i * sizeof fd, &fd, sizeof fd);
    }
  }
  while (::sendmsg(socket.get(), &header, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    if (errno == EPIPE || errno == ECONNRESET)
      return Error{Fault::not_found, "the other end of the socket is closed"};
    return sys_error("sendmsg");
  }
  return {};
}

Result<std::optional<Message>> receive_message(BorrowedFd socket, std::size_t limit, Wait wait) {
  Message message;
  message.bytes.resize(limit);
  iovec data{message.bytes.data(), message.bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxMessageDescriptors * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const int flags = MSG_CMSG_CLOEXEC | (wait == Wait::no ? MSG_DONTWAIT : 0);
  ssize_t n = 0;
  while ((n = ::recvmsg(socket.get(), &header, flags)) < 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return std::optional<Message>();
    if (errno == ECONNRESET) break;
    return sys_error("recvmsg");
  }
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); n >= 0 && c; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      message.descriptors.emplace_back(fd);
    }
  }
  if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
    return Error{Fault::invalid, "a message over its limit"};
  message.bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return std::optional(std::move(message));
}

}  // namespace podpilot
