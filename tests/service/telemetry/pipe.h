// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_SERVICE_TELEMETRY_PIPE_H_
#define TOKENSVC_TESTS_SERVICE_TELEMETRY_PIPE_H_

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace tokensvc::testing {

/// A pipe with both its ends. One thread may read while others write.
class Pipe {
 public:
  explicit Pipe(int flags = 0) {
    if (pipe2(ends_, flags | O_CLOEXEC) != 0) std::abort();
    // The reader always waits.
    fcntl(ends_[0], F_SETFL, 0);
  }
  ~Pipe() {
    close(ends_[0]);
    CloseWriting();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int writing() const { return ends_[1]; }

  void CloseWriting() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }

  /// The next line without its end; nothing where no more can come.
  std::optional<std::string> ReadLine() {
    std::size_t end;
    while ((end = buffer_.find('\n')) == std::string::npos) {
      char bytes[4096];
      const ssize_t size = read(ends_[0], bytes, sizeof(bytes));
      if (size <= 0) return std::nullopt;
      buffer_.append(bytes, static_cast<std::size_t>(size));
    }
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return line;
  }

  /// Whether a line is there or bytes come within `milliseconds`.
  bool WaitForBytes(int milliseconds) {
    pollfd ready{ends_[0], POLLIN, 0};
    return buffer_.find('\n') != std::string::npos || poll(&ready, 1, milliseconds) > 0;
  }

  /// What came behind the last whole line.
  const std::string& rest() const { return buffer_; }

 private:
  int ends_[2] = {-1, -1};
  std::string buffer_;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_SERVICE_TELEMETRY_PIPE_H_
