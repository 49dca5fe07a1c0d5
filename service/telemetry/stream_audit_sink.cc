// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/stream_audit_sink.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace tokensvc {
namespace {

constexpr int kPatienceMilliseconds = 500;

}  // namespace

StreamAuditSink::StreamAuditSink(int fd) : fd_(fd) {
  struct stat file {};
  is_socket_ = fstat(fd, &file) == 0 && S_ISSOCK(file.st_mode);
}

absl::Status StreamAuditSink::WriteAll(absl::string_view bytes, std::size_t* done) const {
  while (*done < bytes.size()) {
    pollfd ready{fd_, POLLOUT, 0};
    const int polled = poll(&ready, 1, kPatienceMilliseconds);
    if (polled < 0 && errno == EINTR) continue;
    if (polled == 0) return absl::UnavailableError("standard output takes nothing");
    // A pipe that is ready takes this much without blocking.
    const std::size_t part = std::min<std::size_t>(bytes.size() - *done, PIPE_BUF);
    const ssize_t written = is_socket_
                                ? send(fd_, bytes.data() + *done, part, MSG_DONTWAIT | MSG_NOSIGNAL)
                                : write(fd_, bytes.data() + *done, part);
    if (written > 0) {
      *done += static_cast<std::size_t>(written);
    } else if (written < 0 && errno != EINTR && errno != EAGAIN) {
      return absl::ErrnoToStatus(errno, "writing to standard output");
    }
  }
  return absl::OkStatus();
}

AuditSink::Written StreamAuditSink::Write(absl::string_view lines) {
  Written result;
  if (torn_) {
    std::size_t ended = 0;
    result.status = WriteAll("\n", &ended);
    if (!result.status.ok()) return result;
    torn_ = false;
  }
  std::size_t done = 0;
  result.status = WriteAll(lines, &done);
  const std::size_t last_end = lines.substr(0, done).rfind('\n');
  result.bytes = last_end == absl::string_view::npos ? 0 : last_end + 1;
  torn_ = result.bytes < done;
  return result;
}

}  // namespace tokensvc
