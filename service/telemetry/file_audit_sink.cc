// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/file_audit_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

namespace tokensvc {
namespace {

absl::Status CheckFile(int fd) {
  struct stat file {};
  if (fstat(fd, &file) != 0) return absl::ErrnoToStatus(errno, "the audit file");
  if (!S_ISREG(file.st_mode)) {
    return absl::FailedPreconditionError("the audit file is not a regular file");
  }
  if (file.st_uid != geteuid() && file.st_uid != 0) {
    return absl::FailedPreconditionError("the audit file is somebody else's");
  }
  if ((file.st_mode & 0777 & ~0640u) != 0) {
    return absl::FailedPreconditionError(
        "more people may read or write the audit file than its owner and, to read, its group: "
        "chmod 0640");
  }
  return absl::OkStatus();
}

/// So that a file that was just made is found after the machine went down.
void SyncFolder(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const int fd = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

/// Whether the file ends within a line: whoever wrote to it last was cut short.
bool EndsInALine(int fd) {
  struct stat file {};
  char last = '\n';
  if (fstat(fd, &file) != 0 || file.st_size == 0) return false;
  return pread(fd, &last, 1, file.st_size - 1) == 1 && last != '\n';
}

absl::StatusOr<int> OpenFile(const std::string& path) {
  // O_NONBLOCK: a pipe in its place must not make us wait for a reader.
  const int fd =
      open(path.c_str(),
           O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
  if (fd < 0) {
    if (errno == ELOOP) {
      return absl::FailedPreconditionError("the audit file is a symbolic link");
    }
    return absl::ErrnoToStatus(errno, "the audit file can't be opened");
  }
  if (absl::Status checked = CheckFile(fd); !checked.ok()) {
    close(fd);
    return checked;
  }
  SyncFolder(path);
  return fd;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileAuditSink>> FileAuditSink::Open(std::string path) {
  const absl::StatusOr<int> fd = OpenFile(path);
  if (!fd.ok()) return fd.status();
  return std::unique_ptr<FileAuditSink>(new FileAuditSink(std::move(path), *fd));
}

FileAuditSink::FileAuditSink(std::string path, int fd)
    : path_(std::move(path)), fd_(fd), torn_(EndsInALine(fd)) {}

FileAuditSink::~FileAuditSink() { close(fd_); }

AuditSink::Written FileAuditSink::Write(absl::string_view lines) {
  Written result;
  if (must_reopen_) {
    result.status = Reopen();
    if (!result.status.ok()) return result;
  }
  if (torn_) {
    // The rest of that line is lost; the whole of it comes again.
    if (write(fd_, "\n", 1) != 1) {
      result.status = absl::ErrnoToStatus(errno, "writing the audit file");
      return result;
    }
    torn_ = false;
  }
  std::size_t done = 0;
  while (done < lines.size()) {
    const ssize_t written = write(fd_, lines.data() + done, lines.size() - done);
    if (written > 0) {
      done += static_cast<std::size_t>(written);
    } else if (written == 0 || errno != EINTR) {
      result.status = written == 0 ? absl::UnavailableError("the audit file takes nothing")
                                   : absl::ErrnoToStatus(errno, "writing the audit file");
      break;
    }
  }
  const std::size_t last_end = lines.substr(0, done).rfind('\n');
  result.bytes = last_end == absl::string_view::npos ? 0 : last_end + 1;
  torn_ = result.bytes < done;
  return result;
}

absl::Status FileAuditSink::Sync() {
  struct stat file {};
  if (fstat(fd_, &file) == 0 && file.st_nlink == 0) {
    // What was written to it nobody will read.
    must_reopen_ = true;
    return absl::UnavailableError("the audit file was removed");
  }
  if (fdatasync(fd_) == 0) return absl::OkStatus();
  must_reopen_ = true;
  return absl::ErrnoToStatus(errno, "syncing the audit file");
}

absl::Status FileAuditSink::Reopen() {
  const absl::StatusOr<int> fd = OpenFile(path_);
  if (!fd.ok()) return fd.status();
  close(fd_);
  fd_ = *fd;
  torn_ = EndsInALine(fd_);
  must_reopen_ = false;
  return absl::OkStatus();
}

}  // namespace tokensvc
