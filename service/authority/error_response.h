// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_ERROR_RESPONSE_H_
#define TOKENSVC_SERVICE_AUTHORITY_ERROR_RESPONSE_H_

#include <cstddef>
#include <string>

#include "absl/time/time.h"
#include "service/authority/error.h"
#include "service/http/http_transport.h"

namespace tokensvc {

/// A challenge beyond this is dropped: all details of a status together stay under 4 KiB.
inline constexpr std::size_t kMaxClaimsChallengeBytes = 2048;

/// What is known about a request when its answer is read.
struct ExchangeContext {
  std::string authority;              ///< The configuration's name, for messages.
  std::string token_type = "Bearer";  ///< The one that was asked for.
  /// The subject is the app itself: nobody is there to consent, so missing consent is the
  /// operator's matter.
  bool for_app = true;
  absl::Time now;  ///< For a `Retry-After` that is a date.
};

/// What an answer of a token endpoint means that brings no token (RFC 6749 §5.2 and what Entra
/// adds):
///   - 429, AADSTS50196 (a loop)                     → kThrottled
///   - 5xx, 408, temporarily_unavailable, server_error → kAuthorityUnavailable
///   - invalid_client, unauthorized_client, access_denied and missing consent of an app,
///     unsupported_grant_type, invalid_request, and a name that is in no list: it refuses how we
///     are set up or how we ask, and no caller can change that → kRegistrationMisconfigured
///   - invalid_scope, invalid_target, invalid_resource → kScopeNotAccepted, with a violation for
///   `scopes`
///   - invalid_grant, interaction_required and the like → kInteractionRequired, with classification
///   and claims
///   - redirects, bodies that are no error response  → kAuthorityResponseInvalid
/// Throttling and unavailability carry `Retry-After` or `kDefaultRetryAfter`. `error_description`
/// and `error_uri` are never read: they repeat parts of the request.
Error ErrorFromResponse(const HttpResponse& response, const ExchangeContext& context);

/// Whether the authority refused this client credential, so that the registration's next one may do
/// better.
bool IsClientCredentialRefused(const Error& error);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_ERROR_RESPONSE_H_
