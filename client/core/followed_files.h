// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_CORE_FOLLOWED_FILES_H_
#define TOKENSVC_CLIENT_CORE_FOLLOWED_FILES_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_reader.h"
#include "base/mutex.h"
#include "base/secret.h"

namespace tokensvc::client {

/// A file that an option names. Errors name the option and never the path: what was written there
/// may be the secret itself.
struct NamedFile {
  std::string option;
  std::string path;
};

/// One for each file; none: there is no file that we may look at.
using FileIdentities = std::vector<std::optional<FileIdentity>>;

struct FileContents {
  FileIdentities identities;
  std::vector<Secret> bytes;
};

FileIdentities Identify(const std::vector<NamedFile>& files);

/// Reads files that belong together, each of at most `max_bytes`. Blocks. kInvalidArgument: one
/// can't be read; kAborted: one of them changed meanwhile, so that they may not belong together.
absl::StatusOr<FileContents> ReadTogether(const std::vector<NamedFile>& files,
                                          std::size_t max_bytes);

/// What is made of some files, and made anew when they change: each use looks at them (one `stat`
/// for each), and there is no thread. What was made last stays while what lies there now is missing
/// or `Make` refuses it. Thread-safe; nobody waits for a file that another thread reads.
template <class T>
class FollowedFiles {
 public:
  /// Of the files' contents, in the files' order. `first`: there is nothing else to fall back to.
  using Make = std::function<absl::StatusOr<std::shared_ptr<T>>(const std::vector<Secret>& contents,
                                                                bool first)>;

  /// Reads them now; without files `make` is called once. Errors: kInvalidArgument where a file
  /// can't be read, and `make`'s.
  static absl::StatusOr<std::unique_ptr<FollowedFiles>> Open(std::vector<NamedFile> files,
                                                             std::size_t max_bytes, Make make) {
    absl::StatusOr<FileContents> read = ReadTogether(files, max_bytes);
    for (int i = 0; i < 3 && absl::IsAborted(read.status()); ++i) {
      read = ReadTogether(files, max_bytes);
    }
    if (!read.ok()) return absl::InvalidArgumentError(read.status().message());
    absl::StatusOr<std::shared_ptr<T>> made = make(read->bytes, /*first=*/true);
    if (!made.ok()) return made.status();
    return std::unique_ptr<FollowedFiles>(new FollowedFiles(
        std::move(files), max_bytes, std::move(make), *std::move(read), *std::move(made)));
  }

  /// Never null.
  std::shared_ptr<T> Current() ABSL_LOCKS_EXCLUDED(mutex_) {
    const FileIdentities present = Identify(files_);
    {
      MutexLock lock(&mutex_);
      if (present == seen_ || is_reading_) return current_;
      is_reading_ = true;
    }
    Read(present);
    MutexLock lock(&mutex_);
    is_reading_ = false;
    return current_;
  }

  /// Why what lies there now is not in force; OK: it is.
  absl::Status Refusal() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return refusal_;
  }

 private:
  FollowedFiles(std::vector<NamedFile> files, std::size_t max_bytes, Make make, FileContents read,
                std::shared_ptr<T> made)
      : files_(std::move(files)),
        max_bytes_(max_bytes),
        make_(std::move(make)),
        contents_(std::move(read.bytes)),
        seen_(std::move(read.identities)),
        current_(std::move(made)) {}

  /// By the one thread that has set `is_reading_`; without the lock, as it blocks.
  void Read(const FileIdentities& present) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::StatusOr<FileContents> read = ReadTogether(files_, max_bytes_);
    if (absl::IsAborted(read.status())) return;  // Looked at again by the next use.
    if (!read.ok()) return Refuse(present, read.status());
    std::shared_ptr<T> made;  // From the swap on what was in force: it ends without the lock.
    if (read->bytes != contents_) {
      absl::StatusOr<std::shared_ptr<T>> result = make_(read->bytes, /*first=*/false);
      if (!result.ok()) return Refuse(read->identities, result.status());
      made = *std::move(result);
      contents_ = std::move(read->bytes);
    }
    MutexLock lock(&mutex_);
    if (made != nullptr) current_.swap(made);
    seen_ = std::move(read->identities);
    refusal_ = absl::OkStatus();
  }

  void Refuse(const FileIdentities& seen, const absl::Status& why) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    seen_ = seen;
    refusal_ = why;
  }

  const std::vector<NamedFile> files_;
  const std::size_t max_bytes_;
  const Make make_;
  std::vector<Secret> contents_;  ///< In force; touched by who reads.
  mutable Mutex mutex_;
  FileIdentities seen_ ABSL_GUARDED_BY(mutex_);  ///< Taken over or refused.
  std::shared_ptr<T> current_ ABSL_GUARDED_BY(mutex_);
  absl::Status refusal_ ABSL_GUARDED_BY(mutex_);
  bool is_reading_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_CORE_FOLLOWED_FILES_H_
