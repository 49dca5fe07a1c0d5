// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_ERROR_INFO_H_
#define TOKENSVC_SERVICE_AUTHORITY_ERROR_INFO_H_

#include <string>

#include "base/json.h"
#include "service/authority/error.h"

namespace tokensvc {

/// An error response's members, reduced to what may be passed on, and what only we need.
struct ParsedErrorInfo {
  AuthorityErrorInfo info;
  /// `suberror` is one that is meant for libraries alone, which no prompt can help with:
  /// `client_mismatch`, `protection_policy_required`.
  bool beyond_interaction = false;
  /// There was a `claims` member, and it is too long or no JSON object.
  bool claims_dropped = false;
};

/// Reads an error response (RFC 6749 §5.2): `error` and `suberror` by lists of known names,
/// `error_codes` as integers (at most 8), ids only if UUID-shaped, `claims` only if it is a JSON
/// object of at most 2 KiB.
ParsedErrorInfo ReadErrorInfo(const Json& body, int http_status);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_ERROR_INFO_H_
