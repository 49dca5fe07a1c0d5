// SPDX-License-Identifier: Apache-2.0
#include "service/jose/jwt_claims.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/str_split.h"
#include "service/jose/claim_text.h"

namespace tokensvc {
namespace {

// The end of the year 9999: what lies beyond is no date.
constexpr std::uint64_t kMaxNumericDate = 253402300799;
constexpr std::size_t kMaxAudiences = 64;

/// Reads the text `name` into `out`, which stays empty where it is absent. False: ill-formed.
bool ReadText(const Json& payload, const char* name, std::string& out) {
  const auto claim = payload.find(name);
  if (claim == payload.end()) return true;
  if (!IsClaimText(*claim)) return false;
  out = claim->get_ref<const std::string&>();
  return true;
}

bool ReadTime(const Json& payload, const char* name, std::optional<absl::Time>& out) {
  const auto claim = payload.find(name);
  if (claim == payload.end()) return true;
  // Integers from 0 on are "unsigned" to the parser; fractions and what exceeds 64 bits are not.
  if (!claim->is_number_unsigned()) return false;
  const auto seconds = claim->get<std::uint64_t>();
  if (seconds > kMaxNumericDate) return false;
  out = absl::FromUnixSeconds(static_cast<std::int64_t>(seconds));
  return true;
}

bool ReadAudiences(const Json& payload, std::vector<std::string>& out) {
  const auto claim = payload.find("aud");
  if (claim == payload.end()) return false;
  if (IsClaimText(*claim)) {
    out.push_back(claim->get<std::string>());
    return true;
  }
  if (!claim->is_array() || claim->empty() || claim->size() > kMaxAudiences) return false;
  for (const Json& audience : *claim) {
    if (!IsClaimText(audience)) return false;
    out.push_back(audience.get<std::string>());
  }
  return true;
}

std::string UsualText(const Json& payload, const char* name) {
  std::string text;
  return ReadText(payload, name, text) ? text : "";
}

std::vector<std::string> UsualScopes(const Json& payload) {
  const char* const name = payload.contains("scp") ? "scp" : "scope";
  const absl::string_view text = StringMember(payload, name);
  if (text.empty() || text.size() > 8 * kMaxClaimBytes) return {};
  std::vector<std::string> scopes = absl::StrSplit(text, ' ', absl::SkipEmpty());
  const bool usual = std::all_of(scopes.begin(), scopes.end(),
                                 [](const std::string& scope) { return IsClaimText(Json(scope)); });
  if (!usual) return {};
  return scopes;
}

std::vector<std::string> UsualRoles(const Json& payload) {
  const auto claim = payload.find("roles");
  if (claim == payload.end() || !claim->is_array()) return {};
  std::vector<std::string> roles;
  for (const Json& role : *claim) {
    if (!IsClaimText(role)) return {};
    roles.push_back(role.get<std::string>());
  }
  return roles;
}

}  // namespace

Expected<JwtClaims, JwtRefusal> ReadJwtClaims(const Json& payload) {
  JwtClaims claims;
  if (!ReadText(payload, "iss", claims.issuer) || claims.issuer.empty()) return JwtRefusal::kIssuer;
  if (!ReadText(payload, "sub", claims.subject)) return JwtRefusal::kSubject;
  if (!ReadAudiences(payload, claims.audiences)) return JwtRefusal::kAudience;
  std::optional<absl::Time> expires_at;
  if (!ReadTime(payload, "exp", expires_at) || !expires_at.has_value() ||
      !ReadTime(payload, "nbf", claims.not_before) || !ReadTime(payload, "iat", claims.issued_at)) {
    return JwtRefusal::kTimes;
  }
  claims.expires_at = *expires_at;
  if (!ReadText(payload, "jti", claims.id)) return JwtRefusal::kMalformed;
  claims.tenant_id = UsualText(payload, "tid");
  claims.object_id = UsualText(payload, "oid");
  claims.authorized_party = UsualText(payload, payload.contains("azp") ? "azp" : "appid");
  claims.identity_type = UsualText(payload, "idtyp");
  claims.authentication = UsualText(payload, "acr");
  claims.scopes = UsualScopes(payload);
  claims.roles = UsualRoles(payload);
  return claims;
}

}  // namespace tokensvc
