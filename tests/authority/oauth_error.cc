// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/oauth_error.h"

#include "absl/strings/str_cat.h"
#include "tests/authority/encoding.h"

namespace tokensvc::devauth {
namespace {

struct Preset {
  int aadsts;
  int http_status;
  const char* error;
  const char* suberror;
  const char* message;
};

constexpr Preset kPresets[] = {
    {50013, 400, "invalid_grant", "", "Assertion failed signature validation."},
    {50027, 401, "invalid_client", "", "JWT token is invalid or malformed."},
    {50049, 400, "invalid_instance", "", "Unknown or invalid instance."},
    {50059, 400, "invalid_request", "",
     "No tenant-identifying information found in either the request or implied by any provided "
     "credentials."},
    {50076, 400, "interaction_required", "basic_action",
     "Due to a configuration change made by your administrator, you must use multi-factor "
     "authentication to access the resource."},
    {50079, 400, "interaction_required", "basic_action",
     "The user must enroll in multi-factor authentication to access the resource."},
    {50196, 400, "invalid_grant", "",
     "The server terminated an operation because it encountered a client request loop."},
    {53003, 400, "invalid_grant", "message_only",
     "Access has been blocked by Conditional Access policies."},
    {65001, 400, "invalid_grant", "consent_required",
     "The user or administrator has not consented to use the application."},
    {70003, 400, "unsupported_grant_type", "", "The app requested an unsupported grant type."},
    {70011, 400, "invalid_scope", "",
     "The provided value for the input parameter 'scope' is not valid."},
    {70021, 400, "invalid_request", "",
     "No matching federated identity record found for presented assertion."},
    {90002, 400, "invalid_request", "", "Tenant not found."},
    {90014, 400, "invalid_request", "", "The required field is missing from the credential."},
    {90033, 503, "temporarily_unavailable", "", "A transient error has occurred. Try again."},
    {500011, 400, "invalid_resource", "", "The resource principal was not found in the tenant."},
    {700016, 400, "unauthorized_client", "", "The application was not found in the directory."},
    {700021, 401, "invalid_client", "",
     "Client assertion application identifier doesn't match 'client_id' parameter."},
    {700023, 401, "invalid_client", "",
     "Client assertion audience claim does not match Realm issuer."},
    {700024, 401, "invalid_client", "", "Client assertion is not within its valid time range."},
    {700027, 401, "invalid_client", "",
     "The certificate with identifier used to sign the client assertion is not registered on "
     "application, or the signature is invalid."},
    {700212, 400, "invalid_client", "",
     "No matching federated identity record found for presented assertion audience."},
    {900023, 400, "invalid_request", "",
     "The specified tenant identifier is neither a valid DNS name, nor a valid external domain."},
    {900144, 400, "invalid_request", "",
     "The request body must contain the following parameter: 'grant_type'."},
    {900561, 405, "invalid_request", "", "The endpoint only accepts POST requests."},
    {5002730, 401, "invalid_client", "", "Invalid JWT token. Unsupported algorithm."},
    {7000215, 401, "invalid_client", "",
     "Invalid client secret provided. Ensure the secret being sent in the request is the client "
     "secret value, not the client secret ID."},
    {7000218, 401, "invalid_client", "",
     "The request body must contain the following parameter: 'client_assertion' or "
     "'client_secret'."},
    {7000222, 401, "invalid_client", "", "The provided client secret keys are expired."},
    {9000410, 400, "invalid_request", "", "Malformed JSON."},
};

}  // namespace

OAuthError EntraError(int aadsts, absl::string_view message) {
  OAuthError out;
  out.error = "invalid_request";
  out.aadsts = aadsts;
  out.message = "The request was refused.";
  for (const Preset& preset : kPresets) {
    if (preset.aadsts != aadsts) continue;
    out.http_status = preset.http_status;
    out.error = preset.error;
    out.suberror = preset.suberror;
    out.message = preset.message;
  }
  if (!message.empty()) out.message = std::string(message);
  return out;
}

Json RenderEntraError(const OAuthError& error, absl::string_view correlation_id, absl::Time now) {
  const std::string trace_id = RandomUuid();
  const std::string timestamp = absl::FormatTime("%Y-%m-%d %H:%M:%SZ", now, absl::UTCTimeZone());
  Json body = {
      {"error", error.error},
      {"error_description",
       absl::StrCat("AADSTS", error.aadsts, ": ", error.message, " Trace ID: ", trace_id,
                    " Correlation ID: ", correlation_id, " Timestamp: ", timestamp)},
      {"error_codes", Json::array({error.aadsts})},
      {"timestamp", timestamp},
      {"trace_id", trace_id},
      {"correlation_id", std::string(correlation_id)},
      {"error_uri", absl::StrCat("https://login.microsoftonline.com/error?code=", error.aadsts)},
  };
  if (!error.suberror.empty()) body["suberror"] = error.suberror;
  if (!error.claims.empty()) body["claims"] = error.claims;
  return body;
}

Json RenderOidcError(const OAuthError& error) {
  return {{"error", error.error}, {"error_description", error.message}};
}

}  // namespace tokensvc::devauth
