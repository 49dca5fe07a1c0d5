// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_JWT_VERIFIER_H_
#define TOKENSVC_SERVICE_JOSE_JWT_VERIFIER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/expected.h"
#include "service/jose/jwk_set.h"
#include "service/jose/jwt_claims.h"
#include "service/jose/jwt_refusal.h"
#include "service/jose/parsed_jwt.h"

namespace tokensvc {

/// What one use of one issuer's tokens wants of them.
struct JwtProfile {
  /// The `iss` claim, byte for byte; or, as Entra's multi-tenant metadata writes it, with one
  /// `{tenantid}` where the token's `tid`, a UUID, must stand.
  std::string issuer;
  std::vector<std::string> audiences;  ///< One of them must be in `aud`.
  std::vector<JwsAlgorithm> algorithms = {JwsAlgorithm::kPs256, JwsAlgorithm::kRs256,
                                          JwsAlgorithm::kEs256};
  /// What `typ` may be (RFC 8725 §3.11), in lower case without `application/`; empty: absent, as in
  /// Kubernetes' tokens.
  std::vector<std::string> types = {"", "jwt", "at+jwt"};
  std::vector<std::string> tenants;  ///< What `tid` may be; empty list: anything.
  bool subject_required = true;
  /// From `iat` (else `nbf`, else now) to `exp`.
  absl::Duration max_lifetime = absl::Hours(24);
  /// How far `nbf` and `iat` may be ahead of our clock. There is none for `exp`: an expired token
  /// is never taken.
  absl::Duration clock_skew = absl::Seconds(60);
};

/// Validates JWTs of one issuer as RFC 8725 says. Immutable; thread-safe.
class JwtVerifier {
 public:
  /// Errors: kInvalidArgument where the profile lacks issuer, audience, algorithm or type, or its
  /// issuer has more than one `{tenantid}`.
  static absl::StatusOr<JwtVerifier> Create(JwtProfile profile);

  const JwtProfile& profile() const { return profile_; }
  /// Whether the issuer has a `{tenantid}`, so that subjects are unique within `tid` only.
  bool of_many_tenants() const { return issuer_suffix_.has_value(); }

  /// Everything but the key and the signature, because all of it is cheaper than those: algorithm,
  /// type, issuer, audience, tenant, subject, times. kIssuer is found first, so that several
  /// verifiers can be asked in turn. What it returns is still only what the token says.
  std::optional<JwtRefusal> CheckClaims(const ParsedJwt& jwt, const JwtClaims& claims,
                                        absl::Time now) const;

  /// Whether the signature is that of the key in `keys` which the token names; without `kid` only
  /// where exactly one key fits. Takes some 30 µs (RSA) to 80 µs (EC).
  std::optional<JwtRefusal> CheckSignature(const ParsedJwt& jwt, const JwtClaims& claims,
                                           const JwkSet& keys) const;

  /// Both, in that order, over a token: the claims may be believed.
  Expected<JwtClaims, JwtRefusal> Verify(absl::string_view token, const JwkSet& keys,
                                         absl::Time now) const;

 private:
  explicit JwtVerifier(JwtProfile profile) : profile_(std::move(profile)) {}

  bool TakesIssuer(const JwtClaims& claims) const;
  std::optional<JwtRefusal> CheckTimes(const JwtClaims& claims, absl::Time now) const;

  JwtProfile profile_;
  // The issuer in front of the tenant's id, and behind it; the latter only where there is one.
  std::string issuer_prefix_;
  std::optional<std::string> issuer_suffix_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_JWT_VERIFIER_H_
