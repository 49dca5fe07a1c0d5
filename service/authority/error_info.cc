// SPDX-License-Identifier: Apache-2.0
#include "service/authority/error_info.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "service/authority/error_response.h"
#include "service/authority/grammar.h"

namespace tokensvc {
namespace {

constexpr std::size_t kMaxCodes = 8;

// RFC 6749 §5.2 and §4.1.2.1, RFC 8628 §3.5, RFC 8707 §2, RFC 9449 §12.2, OpenID Connect Core 1.0
// §3.1.2.6, and Entra's own.
constexpr absl::string_view kErrors[] = {
    "access_denied",
    "account_selection_required",
    "authorization_declined",
    "authorization_pending",
    "bad_verification_code",
    "consent_required",
    "expired_token",
    "interaction_required",
    "invalid_client",
    "invalid_dpop_proof",
    "invalid_grant",
    "invalid_request",
    "invalid_resource",
    "invalid_scope",
    "invalid_target",
    "login_required",
    "server_error",
    "slow_down",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "use_dpop_nonce",
};

struct Suberror {
  absl::string_view name;
  InteractionClassification classification;
};

constexpr Suberror kSuberrors[] = {
    {"basic_action", InteractionClassification::kBasicAction},
    {"additional_action", InteractionClassification::kAdditionalAction},
    {"message_only", InteractionClassification::kMessageOnly},
    {"consent_required", InteractionClassification::kConsentRequired},
    {"user_password_expired", InteractionClassification::kUserPasswordExpired},
};

void ReadSuberror(absl::string_view suberror, ParsedErrorInfo* parsed) {
  for (const Suberror& known : kSuberrors) {
    if (known.name != suberror) continue;
    parsed->info.suberror = std::string(suberror);
    parsed->info.classification = known.classification;
  }
  parsed->info.refresh_token_dead = suberror == "bad_token" || suberror == "token_expired";
  parsed->beyond_interaction =
      suberror == "client_mismatch" || suberror == "protection_policy_required";
}

void ReadCodes(const Json& body, AuthorityErrorInfo* info) {
  const auto codes = body.find("error_codes");
  if (codes == body.end() || !codes->is_array()) return;
  for (const Json& code : *codes) {
    if (info->codes.size() == kMaxCodes) return;
    if (!code.is_number_integer()) continue;
    // A number beyond AADSTS' range could carry something else.
    if (code.is_number_unsigned() && code.get<std::uint64_t>() > 999999999) continue;
    const auto number = code.get<std::int64_t>();
    if (number > 0) info->codes.push_back(number);
  }
}

void ReadClaims(const Json& body, ParsedErrorInfo* parsed) {
  const auto member = body.find("claims");
  if (member == body.end() || member->is_null()) return;
  const absl::string_view claims = StringMember(body, "claims");
  if (claims.empty() || claims.size() > kMaxClaimsChallengeBytes || !ParseJsonObject(claims).ok()) {
    parsed->claims_dropped = true;
    return;
  }
  parsed->info.claims_challenge = std::string(claims);
}

std::string UuidMember(const Json& body, absl::string_view name) {
  const absl::string_view id = StringMember(body, name);
  return IsUuidShaped(id) ? std::string(id) : std::string();
}

}  // namespace

ParsedErrorInfo ReadErrorInfo(const Json& body, int http_status) {
  ParsedErrorInfo parsed;
  AuthorityErrorInfo& info = parsed.info;
  info.http_status = http_status;
  const absl::string_view error = StringMember(body, "error");
  const bool known = std::find(std::begin(kErrors), std::end(kErrors), error) != std::end(kErrors);
  info.error = known ? std::string(error) : "other";
  ReadSuberror(StringMember(body, "suberror"), &parsed);
  if (info.classification == InteractionClassification::kNone && info.error == "consent_required") {
    info.classification = InteractionClassification::kConsentRequired;
  }
  ReadCodes(body, &info);
  ReadClaims(body, &parsed);
  info.correlation_id = UuidMember(body, "correlation_id");
  info.trace_id = UuidMember(body, "trace_id");
  return parsed;
}

}  // namespace tokensvc
