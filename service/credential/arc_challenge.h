// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_ARC_CHALLENGE_H_
#define TOKENSVC_SERVICE_CREDENTIAL_ARC_CHALLENGE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/secret.h"

namespace tokensvc {

/// A larger file is none of the agent's.
inline constexpr std::size_t kMaxArcKeyBytes = 4096;

/// The file that Azure Arc's agent wants to see the content of, from its challenge
/// (`WWW-Authenticate: Basic realm=PATH`; RFC 9110 §11.6.1, with or without quotes): who may read
/// that file is who may have the machine's tokens. Returns the name within `directory`. Whoever
/// answers at the agent's port chooses PATH and is sent the file's content, so it is refused
/// (kInvalidArgument) unless it is `directory`, a slash and a plain file name that ends in `.key`.
/// The text holds nothing of the challenge.
absl::StatusOr<std::string> ReadArcChallenge(absl::string_view www_authenticate,
                                             absl::string_view directory);

/// Reads that file: a regular one, not a symbolic link, of 1 to `kMaxArcKeyBytes` bytes of visible
/// ASCII, white space at its end aside. Blocks. Errors as `ReadSmallFileIn`, and kInvalidArgument
/// for other content.
absl::StatusOr<Secret> ReadArcKey(const std::string& directory, const std::string& name);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_ARC_CHALLENGE_H_
