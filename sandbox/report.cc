// SPDX-License-Identifier: Apache-2.0
#include "sandbox/report.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "sandbox/base/errno.h"
#include "sandbox/base/socket.h"

namespace podpilot::sandbox {

void Report::set_error(const Error& error) {
  fault = error.fault;
  const std::size_t length = std::min(error.text.size(), sizeof text - 1);
  std::memcpy(text, error.text.data(), length);
  text[length] = 0;
}

Error Report::error() const {
  return {fault, text};
}

std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

Result<void> send_report(BorrowedFd socket, const Report& report, BorrowedFd descriptor) {
  std::vector<BorrowedFd> descriptors;
  if (descriptor) descriptors.push_back(descriptor);
  return send_message(socket, {reinterpret_cast<const char*>(&report), sizeof report}, descriptors);
}

Result<std::optional<Received>> receive_report(BorrowedFd socket) {
  std::optional<Message> message = TRY(receive_message(socket, sizeof(Report), Wait::no));
  if (!message) return std::optional<Received>();
  if (message->bytes.empty()) return Error{Fault::not_found, "end of reports"};
  if (message->bytes.size() != sizeof(Report)) return Error{Fault::corrupt, "a report cut short"};
  Received received;
  std::memcpy(&received.report, message->bytes.data(), sizeof(Report));
  received.report.text[sizeof received.report.text - 1] = 0;
  if (!message->descriptors.empty()) received.descriptor = std::move(message->descriptors[0]);
  return std::optional(std::move(received));
}

}  // namespace podpilot::sandbox
