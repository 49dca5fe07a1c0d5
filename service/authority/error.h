// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_ERROR_H_
#define TOKENSVC_SERVICE_AUTHORITY_ERROR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/expected.h"

namespace tokensvc {

/// Why a call failed, as the contract names it (`google.rpc.ErrorInfo.reason`). Stable: callers
/// branch on it.
enum class Reason {
  kInvalidRequest,
  kScopeNotAccepted,
  kPolicyDenied,
  kInteractionRequired,
  kRegistrationMisconfigured,
  kThrottled,
  kQuotaExceeded,
  kAuthorityUnavailable,
  kAuthorityResponseInvalid,
  kAuthorityUntrusted,
  kOverloaded,
  kDeadline,
  kDraining,
  kInternal,
  kUnauthenticated,
  kIdentityUnavailable,
  kAuditUnavailable,
  kSharedCacheUnavailable,
  kRoleRequired,
};

/// The name on the wire, for example `INTERACTION_REQUIRED`.
absl::string_view ReasonName(Reason reason);

/// One field of the request that is wrong, by its path in the request message (`scopes[0]`).
struct FieldViolation {
  std::string field;
  std::string description;
};

/// What kind of interaction would help, as MSAL's `UiRequiredExceptionClassification`.
enum class InteractionClassification {
  kNone,
  kBasicAction,
  kAdditionalAction,
  kMessageOnly,
  kConsentRequired,
  kUserPasswordExpired,
};

/// What an authority said of its refusal, reduced to what is safe to pass on: names from known
/// lists, numbers, UUID-shaped ids. Never `error_description`, and never a byte of an unknown name.
struct AuthorityErrorInfo {
  std::string error;     ///< RFC 6749 §5.2 and registered extensions; "other" when not known.
  std::string suberror;  ///< Known suberrors only, and none that are meant for libraries alone.
  std::vector<std::int64_t> codes;  ///< AADSTS numbers, for people: they may change at any time.
  std::string correlation_id;
  std::string trace_id;
  InteractionClassification classification = InteractionClassification::kNone;
  std::string claims_challenge;  ///< JSON, byte for byte as the authority sent it.
  /// The authority will never take this refresh token again (`bad_token`, `token_expired`): drop
  /// it, and keep the account. These suberrors are for libraries alone, so they do not appear in
  /// `suberror`.
  bool refresh_token_dead = false;
  int http_status = 0;
};

/// An error of the service's core, independent of gRPC; `rpc/` makes a status of it. The message is
/// ours alone: it holds no bytes of an authority's answer, of a secret or of a request.
struct Error {
  absl::StatusCode code = absl::StatusCode::kInternal;
  Reason reason = Reason::kInternal;
  std::string message;
  std::vector<FieldViolation> violations;
  std::optional<absl::Duration> retry_after;
  bool authority_said_when = false;  ///< `retry_after` is the authority's own word.
  std::shared_ptr<const AuthorityErrorInfo> authority;
};

/// When to come back after a failure for which the authority names no time.
inline constexpr absl::Duration kDefaultRetryAfter = absl::Seconds(5);

template <class T>
using Result = Expected<T, Error>;

/// Errors of the shapes that occur in many places.
Error InvalidRequest(std::string field, std::string description);
Error RegistrationMisconfigured(std::string message);
Error AuthorityUnavailable(std::string message, absl::Duration retry_after);
Error AuthorityResponseInvalid(std::string message, absl::Duration retry_after);
Error AuthorityUntrusted(std::string message);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_ERROR_H_
