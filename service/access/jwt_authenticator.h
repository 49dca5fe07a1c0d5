// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_JWT_AUTHENTICATOR_H_
#define TOKENSVC_SERVICE_ACCESS_JWT_AUTHENTICATOR_H_

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/expected.h"
#include "base/metrics.h"
#include "service/access/issuer_keys.h"
#include "service/access/verified_tokens.h"
#include "service/jose/jwt_refusal.h"
#include "service/jose/jwt_verifier.h"

namespace tokensvc {

/// One issuer whose JWTs are taken.
struct TrustedIssuer {
  std::string name;  ///< The configuration's name for it; part of callers' ids.
  JwtVerifier verifier;
  std::shared_ptr<IssuerKeys> keys;
};

/// Counts of JWTs by what became of them, made once and shared by all authenticators. Thread-safe.
class JwtMetrics {
 public:
  explicit JwtMetrics(MetricRegistry& registry);
  Counter& verified() { return *verified_; }
  Counter& remembered() { return *remembered_; }
  Counter& refused(JwtRefusal refusal) { return *refused_[static_cast<std::size_t>(refusal)]; }

 private:
  Counter* verified_;
  Counter* remembered_;
  std::array<Counter*, kAllJwtRefusals.size()> refused_;
};

/// Tells who shows a JWT: finds its issuer among those that are trusted, verifies it by the
/// issuer's keys, and remembers it until it expires or the issuer's keys change. Immutable but for
/// that memory; a reload of the configuration makes a new one. Thread-safe.
class JwtAuthenticator : public std::enable_shared_from_this<JwtAuthenticator> {
 public:
  using Outcome = Expected<VerifiedTokens::Value, JwtRefusal>;
  using Done = std::function<void(Outcome)>;

  /// Issuers are asked in this order, and the first whose claims fit decides. `clock` and `metrics`
  /// must outlive it and the loops of the issuers' keys.
  static std::shared_ptr<JwtAuthenticator> Create(std::vector<TrustedIssuer> issuers,
                                                  const Clock& clock, JwtMetrics& metrics,
                                                  VerifiedTokens::Limits limits = {});

  /// Calls `done` once: on the calling thread and before returning, except where the token is good
  /// but for its key, which the issuer may have published since; then on a loop's thread, after
  /// `at_most` at the latest (not at all where the loop ends first). Nothing of the token appears
  /// anywhere. kKeysUnavailable is no word against the token: the call may be tried again. Takes
  /// some µs for a token that it knows, and the time of a signature for another.
  void Authenticate(absl::string_view token, absl::Duration at_most, Done done);

  /// How many tokens are remembered.
  std::size_t remembered() const { return memory_.size(); }

 private:
  /// A token that was taken apart, with the issuer whose it says it is.
  struct Candidate {
    VerifiedTokens::Id id;
    ParsedJwt jwt;
    JwtClaims claims;
    std::size_t issuer = 0;
  };

  JwtAuthenticator(std::vector<TrustedIssuer> issuers, const Clock& clock, JwtMetrics& metrics,
                   VerifiedTokens::Limits limits)
      : issuers_(std::move(issuers)), clock_(clock), metrics_(metrics), memory_(limits) {}

  VerifiedTokens::Value Recall(const VerifiedTokens::Id& id);
  Expected<Candidate, JwtRefusal> Read(absl::string_view token, const VerifiedTokens::Id& id) const;
  Outcome Verify(const Candidate& candidate, const IssuerKeys::Snapshot& keys);
  Outcome Counted(Outcome outcome);

  const std::vector<TrustedIssuer> issuers_;
  const Clock& clock_;
  JwtMetrics& metrics_;
  VerifiedTokens memory_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_JWT_AUTHENTICATOR_H_
