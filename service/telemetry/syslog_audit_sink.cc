// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/syslog_audit_sink.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace tokensvc {
namespace {

constexpr int kPatienceMilliseconds = 500;
constexpr int kAuthprivInfo = 10 * 8 + 6;  // RFC 3164 §4.1.1

}  // namespace

SyslogAuditSink::~SyslogAuditSink() {
  if (fd_ >= 0) close(fd_);
}

absl::Status SyslogAuditSink::Connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError("the path of syslog's socket is too long");
  }
  std::copy(socket_.begin(), socket_.end(), address.sun_path);
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "syslog");
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int why = errno;
    close(fd);
    return absl::ErrnoToStatus(why, "connecting to syslog");
  }
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
  return absl::OkStatus();
}

absl::Status SyslogAuditSink::Reopen() { return Connect(); }

absl::Status SyslogAuditSink::Send(const std::string& message) {
  bool connected_anew = false;
  for (;;) {
    if (fd_ < 0) {
      if (absl::Status connected = Connect(); !connected.ok()) return connected;
      connected_anew = true;
    }
    if (send(fd_, message.data(), message.size(), MSG_NOSIGNAL) >= 0) return absl::OkStatus();
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == ENOBUFS) {
      pollfd ready{fd_, POLLOUT, 0};
      const int polled = poll(&ready, 1, kPatienceMilliseconds);
      if (polled > 0 || (polled < 0 && errno == EINTR)) continue;
      return absl::UnavailableError("syslog takes nothing");
    }
    // The daemon was started again.
    const absl::Status failed = absl::ErrnoToStatus(errno, "writing to syslog");
    close(fd_);
    fd_ = -1;
    if (connected_anew) return failed;
  }
}

AuditSink::Written SyslogAuditSink::Write(absl::string_view lines) {
  Written result;
  const std::string head =
      absl::StrCat("<", kAuthprivInfo, ">",
                   absl::FormatTime("%b %e %H:%M:%S", clock_.Now(), absl::LocalTimeZone()),
                   " tokensvc[", getpid(), "]: ");
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    result.status = Send(absl::StrCat(head, lines.substr(0, end)));
    if (!result.status.ok()) return result;
    result.bytes += end + 1;
    lines.remove_prefix(end + 1);
  }
  return result;
}

}  // namespace tokensvc
