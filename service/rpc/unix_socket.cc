// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

/// What became of connecting to `path`: 0 or an errno. Does not wait for a process whose queue is
/// full.
int TryToConnect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return ENAMETOOLONG;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const bool connected =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  const int error = connected ? 0 : errno;
  ::close(fd);
  return error;
}

}  // namespace

absl::Status RemoveStaleSocket(const std::string& path) {
  struct stat file = {};
  if (::lstat(path.c_str(), &file) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("can't look at ", path, " (errno ", errno, ")"));
  }
  if (!S_ISSOCK(file.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is no socket: it is left where it is"));
  }
  const int error = TryToConnect(path);
  if (error == 0 || error == EAGAIN) {
    return absl::AlreadyExistsError(absl::StrCat("somebody listens on ", path));
  }
  // Only this says that nobody listens.
  if (error != ECONNREFUSED) {
    return absl::FailedPreconditionError(
        absl::StrCat("can't tell whether somebody listens on ", path, " (errno ", error, ")"));
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return absl::FailedPreconditionError(
        absl::StrCat("can't remove ", path, " (errno ", errno, ")"));
  }
  return absl::OkStatus();
}

ScopedFileMode::ScopedFileMode(mode_t mode) : before_(::umask(~mode & 0777)) {}

ScopedFileMode::~ScopedFileMode() { ::umask(before_); }

}  // namespace tokensvc
