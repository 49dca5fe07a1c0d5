// SPDX-License-Identifier: Apache-2.0
#include "base/file_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace tokensvc {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

std::int64_t Nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
}

FileIdentity IdentityOf(const struct stat& info) {
  FileIdentity identity;
  identity.device = info.st_dev;
  identity.inode = info.st_ino;
  identity.size = info.st_size;
  identity.modified_ns = Nanoseconds(info.st_mtim);
  identity.changed_ns = Nanoseconds(info.st_ctim);
  return identity;
}

absl::Status OpenError(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
      return absl::NotFoundError("the file does not exist");
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError("the file may not be read");
    default:
      return absl::UnavailableError("the file cannot be opened");
  }
}

// Fills `out` from the start; returns how many bytes there were, or -1.
ssize_t ReadFully(int fd, std::string* out) {
  std::size_t filled = 0;
  while (filled < out->size()) {
    const ssize_t got = read(fd, out->data() + filled, out->size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(filled);
}

// O_NONBLOCK: a FIFO in the file's place must not hold the thread.
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

absl::StatusOr<FileContent> ReadOpened(const FileDescriptor& file, std::size_t max_bytes) {
  struct stat before {};
  if (fstat(file.get(), &before) != 0) return absl::UnavailableError("the file cannot be read");
  if (!S_ISREG(before.st_mode)) return absl::InvalidArgumentError("not a regular file");
  if (before.st_size > static_cast<std::int64_t>(max_bytes)) {
    return absl::OutOfRangeError("the file is too large");
  }
  // One allocation, so that no copy stays behind in freed memory; one byte more shows that it grew.
  std::string bytes(static_cast<std::size_t>(before.st_size) + 1, '\0');
  const ssize_t got = ReadFully(file.get(), &bytes);
  Secret content(std::move(bytes));
  struct stat after {};
  if (got < 0 || fstat(file.get(), &after) != 0) {
    return absl::UnavailableError("the file cannot be read");
  }
  if (got != before.st_size || !(IdentityOf(before) == IdentityOf(after))) {
    return absl::AbortedError("the file changed while it was read");
  }
  content = Secret::CopyOf(content.Reveal().substr(0, static_cast<std::size_t>(got)));
  return FileContent{IdentityOf(before), before.st_mode & 0777, std::move(content)};
}

}  // namespace

std::optional<FileIdentity> IdentifyFile(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  return IdentityOf(info);
}

absl::StatusOr<FileContent> ReadSmallFile(const std::string& path, std::size_t max_bytes) {
  const FileDescriptor file(open(path.c_str(), kReadFlags));
  if (file.get() < 0) return OpenError(errno);
  return ReadOpened(file, max_bytes);
}

absl::StatusOr<FileContent> ReadSmallFileIn(const std::string& directory, const std::string& name,
                                            std::size_t max_bytes) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("not the name of a file");
  }
  const FileDescriptor folder(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return OpenError(errno);
  const FileDescriptor file(openat(folder.get(), name.c_str(), kReadFlags | O_NOFOLLOW));
  if (file.get() < 0 && errno == ELOOP) return absl::InvalidArgumentError("a symbolic link");
  if (file.get() < 0) return OpenError(errno);
  return ReadOpened(file, max_bytes);
}

}  // namespace tokensvc
