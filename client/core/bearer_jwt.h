// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_CORE_BEARER_JWT_H_
#define TOKENSVC_CLIENT_CORE_BEARER_JWT_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/secret.h"

namespace tokensvc::client {

/// The service takes no longer ones, and the file may end in white space.
inline constexpr std::size_t kMaxJwtFileBytes = (std::size_t{16} << 10) + 16;

/// `Bearer <JWT>`, the value of an `authorization` header, of a file that holds a JWT in compact
/// form (RFC 7515 section 7.1), with or without a line end. kInvalidArgument: it holds something
/// else, of which the text says nothing. Whether the JWT is valid is for the service to say.
absl::StatusOr<Secret> BearerOf(absl::string_view file_content);

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_CORE_BEARER_JWT_H_
