// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/file_input.h"

#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tokensvc::tokenctl {

absl::StatusOr<std::string> ReadStream(std::istream& in, std::size_t max_bytes) {
  std::string content(max_bytes + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad() || (in.fail() && !in.eof())) return absl::InvalidArgumentError("can't be read");
  if (content.size() > max_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("longer than ", max_bytes, " bytes"));
  }
  absl::StripAsciiWhitespace(&content);
  return content;
}

absl::StatusOr<std::string> ReadFile(const std::string& path, std::size_t max_bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError("no such file, or no right to read it");
  return ReadStream(file, max_bytes);
}

}  // namespace tokensvc::tokenctl
