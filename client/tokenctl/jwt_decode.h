// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_JWT_DECODE_H_
#define TOKENSVC_CLIENT_TOKENCTL_JWT_DECODE_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"

namespace tokensvc::tokenctl {

/// Larger tokens are not looked into: no authority issues them, and no header would hold them.
inline constexpr std::size_t kMaxTokenBytes = std::size_t{128} << 10;

/// What a JWT says of itself. Nothing in here is verified.
struct DecodedJwt {
  Json header;
  Json claims;
  /// Length of the signature in characters; the signature itself is never kept.
  std::size_t signature_chars = 0;
};

/// Takes a compact JWS (RFC 7515 §7.1) with a claims set (RFC 7519 §7.2) apart, without verifying
/// the signature: for people who look at a token, never for a decision. kInvalidArgument with a
/// fixed text, which never holds a byte of the token, where it is something else (an opaque or an
/// encrypted one).
absl::StatusOr<DecodedJwt> DecodeJwtUnverified(absl::string_view token);

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_JWT_DECODE_H_
