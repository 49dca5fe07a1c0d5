// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_PARSED_JWT_H_
#define TOKENSVC_SERVICE_JOSE_PARSED_JWT_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "base/expected.h"
#include "base/json.h"
#include "service/jose/jws_algorithm.h"
#include "service/jose/jwt_refusal.h"

namespace tokensvc {

/// More is refused unread. Entra's largest tokens, with 200 groups, have about 10 KiB.
inline constexpr std::size_t kMaxJwtBytes = std::size_t{16} << 10;
/// Of the header, in base64url.
inline constexpr std::size_t kMaxJwtHeaderBytes = std::size_t{4} << 10;

/// A JWT taken apart. Nothing in it is to be believed before `JwtVerifier` says so.
struct ParsedJwt {
  JwsAlgorithm algorithm = JwsAlgorithm::kPs256;
  std::optional<std::string> kid;
  std::string type;  ///< `typ` in lower case without `application/`; empty: absent.
  Json payload;      ///< An object.
  std::string signing_input;
  std::string signature;
};

/// Takes a JWT in JWS compact serialization apart (RFC 7519 §3, RFC 7515 §7.1), as strictly as RFC
/// 8725 wants it: sizes first, then three parts in the one spelling that base64url has for them,
/// the first two strict JSON objects of limited depth (no duplicate names, no numbers out of
/// range). Of the header, `alg`, `kid`, `typ` and `crit` are looked at, and any `crit` is refused
/// (RFC 7515 §4.1.11: no extension is understood here). `jwk`, `jku`, `x5c` and `x5u`, which would
/// let a token bring its own key, are never looked at. Takes time that is linear in the size.
Expected<ParsedJwt, JwtRefusal> ParseJwt(absl::string_view token);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_PARSED_JWT_H_
