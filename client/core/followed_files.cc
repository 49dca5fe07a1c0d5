// SPDX-License-Identifier: Apache-2.0
#include "client/core/followed_files.h"

#include "absl/strings/str_cat.h"

namespace tokensvc::client {

FileIdentities Identify(const std::vector<NamedFile>& files) {
  FileIdentities identities;
  identities.reserve(files.size());
  for (const NamedFile& file : files) identities.push_back(IdentifyFile(file.path));
  return identities;
}

absl::StatusOr<FileContents> ReadTogether(const std::vector<NamedFile>& files,
                                          std::size_t max_bytes) {
  FileContents contents;
  for (const NamedFile& file : files) {
    absl::StatusOr<FileContent> read = ReadSmallFile(file.path, max_bytes);
    if (!read.ok()) {
      const std::string text = absl::StrCat(file.option, ": ", read.status().message());
      return absl::IsAborted(read.status()) ? absl::AbortedError(text)
                                            : absl::InvalidArgumentError(text);
    }
    contents.identities.emplace_back(read->identity);
    contents.bytes.push_back(std::move(read->bytes));
  }
  // A file that was replaced while the next one was read does not belong to it.
  if (Identify(files) != contents.identities) {
    return absl::AbortedError(
        absl::StrCat(files.front().option, ": changed while it was being read"));
  }
  return contents;
}

}  // namespace tokensvc::client
