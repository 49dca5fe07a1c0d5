// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/file_replacement.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"

namespace tokensvc::tokenctl {
namespace {

absl::Status Failed(const char* what) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", what));
}

/// A file beside the one that is meant; gone at the end unless it was moved away.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& beside)
      : path_(beside + ".XXXXXX"), fd_(mkostemp(path_.data(), O_CLOEXEC)) {}  // Mode 0600.
  ~TemporaryFile() {
    if (fd_ < 0) return;
    close(fd_);
    unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }
  int fd() const { return fd_; }

  absl::Status Fill(absl::string_view content) const {
    if (fd_ < 0) return Failed("make a file there");
    while (!content.empty()) {
      const ssize_t wrote = write(fd_, content.data(), content.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return Failed("write");
      content.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return fsync(fd_) == 0 ? absl::OkStatus() : Failed("write");
  }

 private:
  std::string path_;
  const int fd_;
};

// A name is on the disk when its folder is. Best effort: not every file system can.
void SyncFolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int fd = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

}  // namespace

absl::Status CreatePrivateFile(const std::string& path, absl::string_view content) {
  const TemporaryFile file(path);
  if (absl::Status status = file.Fill(content); !status.ok()) return status;
  // Unlike a rename, a link never replaces what is there.
  if (link(file.path().c_str(), path.c_str()) != 0) return Failed("make the file");
  SyncFolderOf(path);
  return absl::OkStatus();
}

absl::Status ReplacePrivateFile(const std::string& path, absl::string_view content) {
  std::error_code error;
  const std::string target = std::filesystem::canonical(path, error).string();
  struct stat info {};
  if (error || stat(target.c_str(), &info) != 0) return Failed("find the file");
  const TemporaryFile file(target);
  if (absl::Status status = file.Fill(content); !status.ok()) return status;
  struct stat made {};
  if (fstat(file.fd(), &made) != 0) return Failed("write");
  const bool same_owner = made.st_uid == info.st_uid && made.st_gid == info.st_gid;
  if (!same_owner && fchown(file.fd(), info.st_uid, info.st_gid) != 0) {
    return Failed("keep the file's owner and group");
  }
  if (fchmod(file.fd(), info.st_mode & 07777) != 0) return Failed("keep the file's mode");
  if (rename(file.path().c_str(), target.c_str()) != 0) return Failed("replace the file");
  SyncFolderOf(target);
  return absl::OkStatus();
}

}  // namespace tokensvc::tokenctl
