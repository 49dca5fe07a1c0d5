// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_FILE_INPUT_H_
#define TOKENSVC_CLIENT_TOKENCTL_FILE_INPUT_H_

#include <cstddef>
#include <istream>
#include <string>

#include "absl/status/statusor.h"

namespace tokensvc::tokenctl {

/// The rest of `in`, at most `max_bytes`, without white space around it. kInvalidArgument where it
/// is longer or can't be read; the text never holds a byte of it.
absl::StatusOr<std::string> ReadStream(std::istream& in, std::size_t max_bytes);

/// As `ReadStream`, for the file at `path`; kNotFound where it can't be opened.
absl::StatusOr<std::string> ReadFile(const std::string& path, std::size_t max_bytes);

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_FILE_INPUT_H_
