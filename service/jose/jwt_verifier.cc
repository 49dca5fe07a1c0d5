// SPDX-License-Identifier: Apache-2.0
#include "service/jose/jwt_verifier.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "service/jose/claim_text.h"

namespace tokensvc {
namespace {

template <class T, class U>
bool Has(const std::vector<T>& list, const U& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

/// Whether `issuer`, a URL, is that of one tenant: it is a part of the path.
bool IsOfTenant(absl::string_view issuer, absl::string_view tenant) {
  const std::vector<absl::string_view> parts = absl::StrSplit(issuer, '/');
  return Has(parts, tenant);
}

}  // namespace

absl::StatusOr<JwtVerifier> JwtVerifier::Create(JwtProfile profile) {
  if (profile.issuer.empty() || profile.audiences.empty() || profile.algorithms.empty() ||
      profile.types.empty()) {
    return absl::InvalidArgumentError("a JWT profile needs issuer, audience, algorithm and type");
  }
  const std::vector<std::string> parts = absl::StrSplit(profile.issuer, kTenantTemplate);
  if (parts.size() > 2) {
    return absl::InvalidArgumentError("an issuer can have one {tenantid} only");
  }
  JwtVerifier verifier(std::move(profile));
  verifier.issuer_prefix_ = parts[0];
  if (parts.size() == 2) verifier.issuer_suffix_ = parts[1];
  return verifier;
}

bool JwtVerifier::TakesIssuer(const JwtClaims& claims) const {
  if (!issuer_suffix_.has_value()) return claims.issuer == profile_.issuer;
  // The shape decides whose token it is; what stands in the middle is checked with the tenant.
  return claims.issuer.size() > issuer_prefix_.size() + issuer_suffix_->size() &&
         absl::StartsWith(claims.issuer, issuer_prefix_) &&
         absl::EndsWith(claims.issuer, *issuer_suffix_);
}

std::optional<JwtRefusal> JwtVerifier::CheckTimes(const JwtClaims& claims, absl::Time now) const {
  if (now >= claims.expires_at) return JwtRefusal::kExpired;
  const absl::Time horizon = now + profile_.clock_skew;
  if (claims.not_before.value_or(now) > horizon || claims.issued_at.value_or(now) > horizon) {
    return JwtRefusal::kNotYetValid;
  }
  const absl::Time born = claims.issued_at.value_or(claims.not_before.value_or(now));
  if (claims.expires_at - born > profile_.max_lifetime) return JwtRefusal::kLifetime;
  return std::nullopt;
}

std::optional<JwtRefusal> JwtVerifier::CheckClaims(const ParsedJwt& jwt, const JwtClaims& claims,
                                                   absl::Time now) const {
  if (!TakesIssuer(claims)) return JwtRefusal::kIssuer;
  if (!Has(profile_.algorithms, jwt.algorithm)) return JwtRefusal::kAlgorithm;
  if (!Has(profile_.types, jwt.type)) return JwtRefusal::kType;
  if (issuer_suffix_.has_value()) {
    if (!IsUuidText(claims.tenant_id)) return JwtRefusal::kTenant;
    if (claims.issuer != absl::StrCat(issuer_prefix_, claims.tenant_id, *issuer_suffix_)) {
      return JwtRefusal::kIssuer;
    }
  }
  if (!profile_.tenants.empty() && !Has(profile_.tenants, claims.tenant_id)) {
    return JwtRefusal::kTenant;
  }
  const bool ours = std::any_of(
      claims.audiences.begin(), claims.audiences.end(),
      [this](const std::string& audience) { return Has(profile_.audiences, audience); });
  if (!ours) return JwtRefusal::kAudience;
  if (profile_.subject_required && claims.subject.empty()) return JwtRefusal::kSubject;
  return CheckTimes(claims, now);
}

std::optional<JwtRefusal> JwtVerifier::CheckSignature(const ParsedJwt& jwt, const JwtClaims& claims,
                                                      const JwkSet& keys) const {
  std::optional<absl::string_view> kid;
  if (jwt.kid.has_value()) kid = *jwt.kid;
  const JwkSet::Choice choice = keys.Find(kid, jwt.algorithm);
  if (choice.ambiguous) return JwtRefusal::kAmbiguousKey;
  if (choice.key == nullptr) return JwtRefusal::kUnknownKey;
  // Entra signs the tokens of all tenants by shared keys, but has some for one tenant alone: such a
  // key must not sign for another.
  if (issuer_suffix_.has_value() && !choice.key->issuer.empty() &&
      !IsOfTenant(choice.key->issuer, claims.tenant_id)) {
    return JwtRefusal::kUnknownKey;
  }
  if (!choice.key->key.Verifies(jwt.algorithm, jwt.signing_input, jwt.signature)) {
    return JwtRefusal::kSignature;
  }
  return std::nullopt;
}

Expected<JwtClaims, JwtRefusal> JwtVerifier::Verify(absl::string_view token, const JwkSet& keys,
                                                    absl::Time now) const {
  const Expected<ParsedJwt, JwtRefusal> jwt = ParseJwt(token);
  if (!jwt.ok()) return jwt.error();
  Expected<JwtClaims, JwtRefusal> claims = ReadJwtClaims(jwt->payload);
  if (!claims.ok()) return claims;
  if (const auto refusal = CheckClaims(*jwt, *claims, now); refusal.has_value()) return *refusal;
  if (const auto refusal = CheckSignature(*jwt, *claims, keys); refusal.has_value()) {
    return *refusal;
  }
  return claims;
}

}  // namespace tokensvc
