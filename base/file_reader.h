// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_FILE_READER_H_
#define TOKENSVC_BASE_FILE_READER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/secret.h"

namespace tokensvc {

/// What tells one state of a file from another without reading it. Symbolic links are followed, so
/// that the way in which Kubernetes swaps mounted secrets is seen too.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  /// Of the inode: moves even where a tool sets the time of modification back.
  std::int64_t changed_ns = 0;

  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

struct FileContent {
  FileIdentity identity;
  /// Who may do what with it: the lowest nine bits of its mode.
  std::uint32_t permissions = 0;
  Secret bytes;
};

/// The identity of the file at `path`, or nothing where there is none that we may look at. Blocks.
std::optional<FileIdentity> IdentifyFile(const std::string& path);

/// Reads a regular file of at most `max_bytes`. Blocks. Errors, whose texts name neither path nor
/// content (a secret that was written where its path belongs must not be shown): kNotFound,
/// kPermissionDenied, kInvalidArgument (not a regular file), kOutOfRange (too large), kAborted (it
/// changed while it was read), kUnavailable.
absl::StatusOr<FileContent> ReadSmallFile(const std::string& path, std::size_t max_bytes);

/// The same for the file `name` of `directory`, where somebody else chose the name: it is refused
/// (kInvalidArgument) where it leads elsewhere, as a path or as a symbolic link.
absl::StatusOr<FileContent> ReadSmallFileIn(const std::string& directory, const std::string& name,
                                            std::size_t max_bytes);

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_FILE_READER_H_
