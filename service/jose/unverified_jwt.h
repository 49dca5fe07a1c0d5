// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_UNVERIFIED_JWT_H_
#define TOKENSVC_SERVICE_JOSE_UNVERIFIED_JWT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tokensvc {

/// What a JWT says of itself. Nobody checked its signature: good for telling an operator that a
/// file is stale, never for a decision about a caller.
struct UnverifiedJwt {
  absl::Time expires_at;
};

/// Reads a JWT in JWS compact serialization (RFC 7519 §3, RFC 7515 §7.1): three parts of base64url
/// without padding, none of them empty, the first two JSON objects, with a numeric `exp`, which RFC
/// 7523 §3 asks of every assertion. Errors: kInvalidArgument, with a text that holds nothing of the
/// input.
absl::StatusOr<UnverifiedJwt> ReadUnverifiedJwt(absl::string_view compact);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_UNVERIFIED_JWT_H_
