// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_TOKEN_RESPONSE_H_
#define TOKENSVC_SERVICE_AUTHORITY_TOKEN_RESPONSE_H_

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/secret.h"
#include "service/authority/error.h"
#include "service/authority/error_response.h"
#include "service/authority/token_fields.h"
#include "service/http/http_transport.h"

namespace tokensvc {

/// A successful answer of a token endpoint (RFC 6749 §5.1 and what Entra adds).
struct TokenResponse {
  Secret access_token;
  std::string token_type;                    ///< In the spelling that was asked for.
  absl::Duration expires_in;                 ///< From the start of the request; at least 1 s.
  std::optional<absl::Duration> refresh_in;  ///< Less than `expires_in`.
  std::optional<std::string> scope;          ///< Separated by spaces; see `AuthorityProfile`.
  std::optional<Secret> refresh_token;
  std::optional<Secret> id_token;
  std::optional<Secret> client_info;
};

/// Reads the answer of a token endpoint: the token, or why there is none (`ErrorFromResponse`; an
/// answer with status 200 that holds `error` and no token is one as well). Refused as
/// kAuthorityResponseInvalid, with retry_after:
///   - what is not a JSON object, has a duplicate member, or is empty
///   - an access token that is missing, longer than 64 KiB, or not made of visible ASCII (a header
///     injection otherwise)
///   - a `token_type` that is missing or not the one that was asked for
///   - an `expires_in` that is missing (recommended only, by RFC 6749, but a token whose end nobody
///   knows can't be
///     served from a cache), less than 1 s, or more than `kMaxTokenLifetime`. Decimal strings count
///     as numbers; fractions are cut off.
///   - members of a wrong type (`null` counts as absent)
/// A `refresh_in` that makes no sense is ignored: it is advice. Strings of the parsed document are
/// overwritten before it is freed.
Result<TokenResponse> ParseTokenResponse(const HttpResponse& response,
                                         const ExchangeContext& context);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_TOKEN_RESPONSE_H_
