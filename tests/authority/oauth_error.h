// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_OAUTH_ERROR_H_
#define TOKENSVC_TESTS_AUTHORITY_OAUTH_ERROR_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/authority/json.h"

namespace tokensvc::devauth {

/// A refusal of the token endpoint, before it is written in one of the two shapes.
struct OAuthError {
  int http_status = 400;
  std::string error;     ///< RFC 6749 §5.2
  int aadsts = 0;        ///< Entra's number; absent from OIDC answers
  std::string message;   ///< without the AADSTS prefix
  std::string suberror;  ///< Entra only; left out when empty
  std::string claims;    ///< Entra only: a claims challenge; left out when empty
};

/// The refusal that Entra gives this number: `error`, HTTP status and `suberror` come from a table
/// (unknown numbers: `invalid_request`, 400), `message` from the table where empty.
OAuthError EntraError(int aadsts, absl::string_view message = "");

/// Entra's body: `error_description` with the AADSTS prefix and the Trace ID, Correlation ID and
/// Timestamp parts, and the same again as fields.
Json RenderEntraError(const OAuthError& error, absl::string_view correlation_id, absl::Time now);

/// RFC 6749's body: `error` and `error_description` only.
Json RenderOidcError(const OAuthError& error);

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_OAUTH_ERROR_H_
