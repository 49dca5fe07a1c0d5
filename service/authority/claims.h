// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_CLAIMS_H_
#define TOKENSVC_SERVICE_AUTHORITY_CLAIMS_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "service/authority/error.h"

namespace tokensvc {

inline constexpr std::size_t kMaxClaimsBytes = 8192;
inline constexpr int kMaxClaimsDepth = 8;

/// The one spelling of a claims request (OpenID Connect Core 1.0 §5.5): a JSON object of at most 8
/// KiB and depth 8, members sorted, no white space. Equal requests become equal keys, and what is
/// keyed is what is sent. Errors: InvalidRequest for `field`, which repeats nothing of the input.
Result<std::string> CanonicalClaims(absl::string_view json, absl::string_view field);

/// The `claims` parameter of a token request: the challenge of a resource, what the caller wants,
/// and the registration's capabilities (`cp1` becomes
/// `{"access_token":{"xms_cc":{"values":["cp1"]}}}`), each of which may be empty; all empty makes
/// an empty string. Objects merge member by member. Where two say different things, the challenge
/// wins, since the resource will not take less; an object wins over the `null` that asks for a
/// claim without conditions; capabilities are added to those that are named already. Errors: as
/// `CanonicalClaims`, for `claims_challenge` and `client_claims`.
Result<std::string> MergeClaims(absl::string_view challenge, absl::string_view client_claims,
                                absl::Span<const std::string> capabilities);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_CLAIMS_H_
