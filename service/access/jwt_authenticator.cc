// SPDX-License-Identifier: Apache-2.0
#include "service/access/jwt_authenticator.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

Counter& AddMetric(MetricRegistry& registry, absl::string_view result) {
  return registry.AddCounter("tokensvc_caller_jwts_total", "JWTs that callers showed, by result.",
                             {{"result", std::string(result)}});
}

/// Subjects of different tenants are different callers, whatever each tenant calls them.
std::string CallerIdOf(const TrustedIssuer& issuer, const JwtClaims& claims) {
  const std::string tenant = issuer.verifier.of_many_tenants()
                                 ? absl::StrCat(absl::AsciiStrToLower(claims.tenant_id), ":")
                                 : "";
  return absl::StrCat("jwt:", issuer.name, ":", tenant, claims.subject);
}

}  // namespace

JwtMetrics::JwtMetrics(MetricRegistry& registry)
    : verified_(&AddMetric(registry, "verified")), remembered_(&AddMetric(registry, "remembered")) {
  for (const JwtRefusal refusal : kAllJwtRefusals) {
    refused_[static_cast<std::size_t>(refusal)] = &AddMetric(registry, JwtRefusalName(refusal));
  }
}

std::shared_ptr<JwtAuthenticator> JwtAuthenticator::Create(std::vector<TrustedIssuer> issuers,
                                                           const Clock& clock, JwtMetrics& metrics,
                                                           VerifiedTokens::Limits limits) {
  return std::shared_ptr<JwtAuthenticator>(
      new JwtAuthenticator(std::move(issuers), clock, metrics, limits));
}

VerifiedTokens::Value JwtAuthenticator::Recall(const VerifiedTokens::Id& id) {
  VerifiedTokens::Value known = memory_.Find(id, clock_.Now());
  if (known == nullptr) return nullptr;
  const IssuerKeys::Snapshot keys = issuers_[known->issuer].keys->Current();
  if (keys != nullptr && keys->digest() == known->key_set) return known;
  memory_.Forget(id);
  return nullptr;
}

Expected<JwtAuthenticator::Candidate, JwtRefusal> JwtAuthenticator::Read(
    absl::string_view token, const VerifiedTokens::Id& id) const {
  Expected<ParsedJwt, JwtRefusal> jwt = ParseJwt(token);
  if (!jwt.ok()) return jwt.error();
  Expected<JwtClaims, JwtRefusal> claims = ReadJwtClaims(jwt->payload);
  if (!claims.ok()) return claims.error();
  const absl::Time now = clock_.Now();
  JwtRefusal refusal = JwtRefusal::kIssuer;
  for (std::size_t i = 0; i < issuers_.size(); ++i) {
    const auto refused = issuers_[i].verifier.CheckClaims(*jwt, *claims, now);
    if (!refused.has_value()) {
      return Candidate{id, std::move(jwt).value(), std::move(claims).value(), i};
    }
    // What its own issuer has against it says more than that it is not another's.
    if (*refused != JwtRefusal::kIssuer) refusal = *refused;
  }
  return refusal;
}

JwtAuthenticator::Outcome JwtAuthenticator::Verify(const Candidate& candidate,
                                                   const IssuerKeys::Snapshot& keys) {
  if (keys == nullptr) return JwtRefusal::kKeysUnavailable;
  const TrustedIssuer& issuer = issuers_[candidate.issuer];
  const auto refused = issuer.verifier.CheckSignature(candidate.jwt, candidate.claims, *keys);
  if (refused.has_value()) return *refused;
  auto verified = std::make_shared<VerifiedToken>();
  verified->issuer = candidate.issuer;
  verified->issuer_name = issuer.name;
  verified->key_set = keys->digest();
  verified->claims = candidate.claims;
  verified->caller_id = CallerIdOf(issuer, candidate.claims);
  VerifiedTokens::Value value = std::move(verified);
  memory_.Remember(candidate.id, value);
  return value;
}

JwtAuthenticator::Outcome JwtAuthenticator::Counted(Outcome outcome) {
  (outcome.ok() ? metrics_.verified() : metrics_.refused(outcome.error())).Increment();
  return outcome;
}

void JwtAuthenticator::Authenticate(absl::string_view token, absl::Duration at_most, Done done) {
  if (token.size() > kMaxJwtBytes) return done(Counted(JwtRefusal::kTooLarge));
  const VerifiedTokens::Id id = VerifiedTokens::IdOf(token);
  if (VerifiedTokens::Value known = Recall(id); known != nullptr) {
    metrics_.remembered().Increment();
    return done(std::move(known));
  }
  Expected<Candidate, JwtRefusal> candidate = Read(token, id);
  if (!candidate.ok()) return done(Counted(candidate.error()));
  const std::shared_ptr<IssuerKeys> source = issuers_[candidate->issuer].keys;
  IssuerKeys::Snapshot keys = source->Current();
  Outcome outcome = Verify(*candidate, keys);
  const bool may_come = !outcome.ok() && (outcome.error() == JwtRefusal::kUnknownKey ||
                                          outcome.error() == JwtRefusal::kKeysUnavailable);
  if (!may_come) return done(Counted(std::move(outcome)));
  auto waiting = std::make_shared<Candidate>(std::move(candidate).value());
  IssuerKeys::Done resume = [self = shared_from_this(), waiting,
                             done = std::move(done)](IssuerKeys::Snapshot newer) {
    // Time has passed.
    if (self->clock_.Now() >= waiting->claims.expires_at) {
      return done(self->Counted(JwtRefusal::kExpired));
    }
    done(self->Counted(self->Verify(*waiting, newer)));
  };
  source->WaitForNewer(std::move(keys), at_most, std::move(resume));
}

}  // namespace tokensvc
