// SPDX-License-Identifier: Apache-2.0
#include "service/config/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status OpenError(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError("there is no such file");
    case EACCES:
    case EPERM:
      return absl::FailedPreconditionError("the service may not read the file (permission denied)");
    default:
      return absl::FailedPreconditionError(
          absl::StrCat("the file cannot be read (errno ", error, ")"));
  }
}

absl::Status CheckFile(const struct stat& file, std::size_t max_bytes, FileAccess access) {
  if (!S_ISREG(file.st_mode)) return absl::FailedPreconditionError("this is not a regular file");
  if (access == FileAccess::kPrivate && (file.st_mode & S_IROTH) != 0) {
    return absl::FailedPreconditionError(
        "everyone on the machine may read the file, which holds a secret: chmod o-r it");
  }
  if (file.st_size > 0 && static_cast<std::size_t>(file.st_size) > max_bytes) {
    return absl::FailedPreconditionError(
        absl::StrCat("the file is larger than ", max_bytes, " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Secret> ReadRegularFile(const std::string& path, std::size_t max_bytes,
                                       FileAccess access) {
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
  const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (fd.get() < 0) return OpenError(errno);
  struct stat file = {};
  if (fstat(fd.get(), &file) != 0) return OpenError(errno);
  if (const absl::Status status = CheckFile(file, max_bytes, access); !status.ok()) return status;

  // In one piece from the start: a buffer that grows leaves copies of the secret behind. One byte
  // more than the size shows whether the file grew meanwhile.
  std::string bytes(static_cast<std::size_t>(std::max<off_t>(file.st_size, 0)) + 1, '\0');
  std::size_t length = 0;
  int error = 0;
  while (length < bytes.size()) {
    const ssize_t count = read(fd.get(), bytes.data() + length, bytes.size() - length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) error = errno;
    if (count <= 0) break;
    length += static_cast<std::size_t>(count);
  }
  const bool grew = length == bytes.size();
  bytes.resize(length);
  Secret content(std::move(bytes));
  if (error != 0) return OpenError(error);
  if (grew) return absl::FailedPreconditionError("the file changed while it was read");
  return content;
}

}  // namespace tokensvc
