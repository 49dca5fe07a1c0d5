// SPDX-License-Identifier: Apache-2.0
#include "service/authority/error_response.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "service/authority/error_info.h"
#include "service/authority/retry_after.h"

namespace tokensvc {
namespace {

constexpr absl::Duration kLoopRetryAfter = absl::Minutes(1);

bool HasCode(const AuthorityErrorInfo& info, std::initializer_list<std::int64_t> wanted) {
  return std::any_of(info.codes.begin(), info.codes.end(), [&wanted](std::int64_t code) {
    return std::find(wanted.begin(), wanted.end(), code) != wanted.end();
  });
}

bool IsOneOf(const std::string& error, std::initializer_list<absl::string_view> names) {
  return std::find(names.begin(), names.end(), error) != names.end();
}

// AADSTS numbers may change at any time, so each of these only sharpens what `error` says less
// exactly. The secret or assertion: wrong, expired, missing, signed with a key that is not
// registered, not valid now.
bool NamesCredential(const AuthorityErrorInfo& info) {
  return HasCode(info, {7000214, 7000215, 7000218, 7000222, 7000272, 7000274, 7000277, 700024,
                        700027, 1000502, 5002730,
                        // No federated identity for an assertion's issuer, audience or subject; the
                        // first comes as `invalid_request` (Azure/azure-workload-identity#616).
                        70021, 700211, 700212, 700213, 7002137, 7002138});
}

// The app is not in the tenant, is disabled there, or there is no such tenant.
bool NamesApplication(const AuthorityErrorInfo& info) {
  return HasCode(info, {90002, 90010, 700016, 700051, 7000112, 7000229});
}

bool NamesScope(const AuthorityErrorInfo& info) { return HasCode(info, {70011, 500011, 1002012}); }

bool NeedsConsent(const AuthorityErrorInfo& info) {
  return info.classification == InteractionClassification::kConsentRequired ||
         HasCode(info, {65001});
}

Error Throttled(std::string message, absl::Duration retry_after) {
  Error error;
  error.code = absl::StatusCode::kResourceExhausted;
  error.reason = Reason::kThrottled;
  error.message = std::move(message);
  error.retry_after = retry_after;
  return error;
}

Error ScopeRefused(const std::string& who) {
  Error error = InvalidRequest("scopes",
                               "names a scope or resource that the authority does not know, or "
                               "that this app may not ask for");
  error.reason = Reason::kScopeNotAccepted;
  error.message = absl::StrCat(who, " does not accept the scopes");
  return error;
}

Error InteractionRequired(const std::string& who) {
  Error error;
  error.code = absl::StatusCode::kFailedPrecondition;
  error.reason = Reason::kInteractionRequired;
  error.message = absl::StrCat(who, " wants an interaction before it issues the token");
  return error;
}

/// Of a well-formed error response that is neither throttling nor unavailability.
Error Classify(const ParsedErrorInfo& parsed, const std::string& who, bool for_app) {
  const AuthorityErrorInfo& info = parsed.info;
  if (info.error == "invalid_client" || NamesCredential(info)) {
    return RegistrationMisconfigured(absl::StrCat(who, " refuses the client credential"));
  }
  if (info.error == "unauthorized_client" || NamesApplication(info)) {
    return RegistrationMisconfigured(
        absl::StrCat(who, " does not know the application in this tenant, or does not let it ask"));
  }
  if (IsOneOf(info.error, {"invalid_scope", "invalid_target", "invalid_resource"}) ||
      NamesScope(info)) {
    return ScopeRefused(who);
  }
  if (for_app && (NeedsConsent(info) || info.error == "access_denied")) {
    return RegistrationMisconfigured(
        absl::StrCat(who, " has no consent of an administrator for the application"));
  }
  const bool interaction =
      IsOneOf(info.error, {"invalid_grant", "interaction_required", "login_required",
                           "consent_required", "account_selection_required", "access_denied",
                           "expired_token", "authorization_declined", "authorization_pending",
                           "slow_down", "bad_verification_code"});
  if (interaction && !parsed.beyond_interaction) return InteractionRequired(who);
  return RegistrationMisconfigured(absl::StrCat(who, " refuses the request as it is made"));
}

}  // namespace

Error ErrorFromResponse(const HttpResponse& response, const ExchangeContext& context) {
  const std::string who = absl::StrCat("authority \"", context.authority, "\"");
  const std::optional<absl::Duration> header =
      ParseRetryAfter(response.Header("retry-after"), context.now);
  const absl::Duration retry_after = header.value_or(kDefaultRetryAfter);
  JsonLimits limits;
  limits.max_bytes = std::size_t{64} << 10;
  limits.max_depth = 8;
  limits.max_values = 1000;
  const absl::StatusOr<Json> body = ParseJsonObject(response.body.Reveal(), limits);
  ParsedErrorInfo parsed;
  parsed.info.http_status = response.status;
  const bool told = body.ok() && !StringMember(*body, "error").empty();
  if (told) parsed = ReadErrorInfo(*body, response.status);

  Error error;
  if (response.status == 429) {
    error = Throttled(absl::StrCat(who, " throttles"), retry_after);
  } else if (HasCode(parsed.info, {50196})) {
    error = Throttled(absl::StrCat(who, " sees the same request in a loop"),
                      header.value_or(kLoopRetryAfter));
  } else if (response.status >= 500 || response.status == 408 ||
             IsOneOf(parsed.info.error, {"temporarily_unavailable", "server_error"})) {
    error = AuthorityUnavailable(absl::StrCat(who, " is unavailable (HTTP ", response.status, ")"),
                                 retry_after);
  } else if (!told || (response.status != 200 && response.status < 400)) {
    return AuthorityResponseInvalid(
        absl::StrCat(who, " sent an answer that is no OAuth 2.0 response (HTTP ", response.status,
                     ")"),
        retry_after);
  } else {
    error = Classify(parsed, who, context.for_app);
  }
  error.authority_said_when = header.has_value() && error.retry_after.has_value();
  if (!told) return error;
  absl::StrAppend(&error.message, " (", parsed.info.error, ")");
  if (parsed.claims_dropped) {
    absl::StrAppend(&error.message,
                    "; its claims challenge is malformed or too long, and left out");
  }
  error.authority = std::make_shared<const AuthorityErrorInfo>(std::move(parsed.info));
  return error;
}

bool IsClientCredentialRefused(const Error& error) {
  if (error.reason != Reason::kRegistrationMisconfigured || error.authority == nullptr)
    return false;
  if (NamesCredential(*error.authority)) return true;
  // With another credential the app would be just as unknown.
  return error.authority->error == "invalid_client" && !NamesApplication(*error.authority);
}

}  // namespace tokensvc
