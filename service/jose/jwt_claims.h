// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_JWT_CLAIMS_H_
#define TOKENSVC_SERVICE_JOSE_JWT_CLAIMS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/expected.h"
#include "base/json.h"
#include "service/jose/jwt_refusal.h"

namespace tokensvc {

/// The claims that decisions are made by. Every text is one that `IsClaimText` accepts.
struct JwtClaims {
  // RFC 7519 §4.1:
  std::string issuer;
  std::string subject;                 ///< Empty: absent.
  std::vector<std::string> audiences;  ///< One or more.
  absl::Time expires_at;
  std::optional<absl::Time> not_before, issued_at;
  std::string id;  ///< `jti`; empty: absent.

  // What further claims say where they have the type that is usual; else they count as absent, for
  // issuers use these names for things of their own, and less said means less allowed.
  std::string tenant_id;            ///< `tid`
  std::string object_id;            ///< `oid`
  std::string authorized_party;     ///< `azp`, or `appid` of Entra's v1.0
  std::string identity_type;        ///< `idtyp`: `app` or `user`
  std::string authentication;       ///< `acr`
  std::vector<std::string> scopes;  ///< `scp` (Entra) or `scope` (RFC 9068), at their spaces
  std::vector<std::string> roles;   ///< `roles`
};

/// Reads claims, without judging whether they suit anybody. `payload` is an object. Refused:
///   - kIssuer, kSubject: ill-formed, and `iss` where it is absent
///   - kAudience: neither a text nor an array of 1 to 64 of them
///   - kTimes: `exp` absent, or one of `exp`, `nbf`, `iat` that is no integer of seconds from 1970
///     to 9999 (RFC 7519 §2 allows fractions; nobody who signs tokens needs them)
///   - kMalformed: `jti` ill-formed
Expected<JwtClaims, JwtRefusal> ReadJwtClaims(const Json& payload);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_JWT_CLAIMS_H_
