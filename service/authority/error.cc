// SPDX-License-Identifier: Apache-2.0
#include "service/authority/error.h"

#include <utility>

namespace tokensvc {
namespace {

Error Make(absl::StatusCode code, Reason reason, std::string message) {
  Error error;
  error.code = code;
  error.reason = reason;
  error.message = std::move(message);
  return error;
}

}  // namespace

absl::string_view ReasonName(Reason reason) {
  switch (reason) {
    case Reason::kInvalidRequest:
      return "INVALID_REQUEST";
    case Reason::kScopeNotAccepted:
      return "SCOPE_NOT_ACCEPTED";
    case Reason::kPolicyDenied:
      return "POLICY_DENIED";
    case Reason::kInteractionRequired:
      return "INTERACTION_REQUIRED";
    case Reason::kRegistrationMisconfigured:
      return "REGISTRATION_MISCONFIGURED";
    case Reason::kThrottled:
      return "THROTTLED";
    case Reason::kQuotaExceeded:
      return "QUOTA_EXCEEDED";
    case Reason::kAuthorityUnavailable:
      return "AUTHORITY_UNAVAILABLE";
    case Reason::kAuthorityResponseInvalid:
      return "AUTHORITY_RESPONSE_INVALID";
    case Reason::kAuthorityUntrusted:
      return "AUTHORITY_UNTRUSTED";
    case Reason::kOverloaded:
      return "OVERLOADED";
    case Reason::kDeadline:
      return "DEADLINE";
    case Reason::kDraining:
      return "DRAINING";
    case Reason::kUnauthenticated:
      return "UNAUTHENTICATED";
    case Reason::kSharedCacheUnavailable:
      return "SHARED_CACHE_UNAVAILABLE";
    case Reason::kIdentityUnavailable:
      return "IDENTITY_UNAVAILABLE";
    case Reason::kAuditUnavailable:
      return "AUDIT_UNAVAILABLE";
    case Reason::kRoleRequired:
      return "ROLE_REQUIRED";
    case Reason::kInternal:
      break;
  }
  return "INTERNAL";
}

Error InvalidRequest(std::string field, std::string description) {
  Error error = Make(absl::StatusCode::kInvalidArgument, Reason::kInvalidRequest,
                     "a field of the request is malformed: " + field);
  error.violations.push_back({std::move(field), std::move(description)});
  return error;
}

Error RegistrationMisconfigured(std::string message) {
  return Make(absl::StatusCode::kFailedPrecondition, Reason::kRegistrationMisconfigured,
              std::move(message));
}

Error AuthorityUnavailable(std::string message, absl::Duration retry_after) {
  Error error =
      Make(absl::StatusCode::kUnavailable, Reason::kAuthorityUnavailable, std::move(message));
  error.retry_after = retry_after;
  return error;
}

Error AuthorityResponseInvalid(std::string message, absl::Duration retry_after) {
  Error error =
      Make(absl::StatusCode::kUnavailable, Reason::kAuthorityResponseInvalid, std::move(message));
  error.retry_after = retry_after;
  return error;
}

Error AuthorityUntrusted(std::string message) {
  return Make(absl::StatusCode::kFailedPrecondition, Reason::kAuthorityUntrusted,
              std::move(message));
}

}  // namespace tokensvc
