// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_JWT_REFUSAL_H_
#define TOKENSVC_SERVICE_JOSE_JWT_REFUSAL_H_

#include <array>

#include "absl/strings/string_view.h"

namespace tokensvc {

/// Why a JWT is not taken: for metrics and logs. Whoever showed it learns only that it was not.
enum class JwtRefusal {
  kTooLarge,         ///< The token or its header is larger than allowed.
  kMalformed,        ///< No three parts of base64url, or no strict JSON objects.
  kHeader,           ///< A header parameter that is ill-formed, or `crit`.
  kAlgorithm,        ///< `alg` is missing, not known, or not allowed for the issuer.
  kType,             ///< `typ` is that of another kind of token.
  kIssuer,           ///< `iss` is not one that is trusted here.
  kAudience,         ///< `aud` names none of ours.
  kTenant,           ///< `tid` is missing, ill-formed, or not allowed.
  kSubject,          ///< `sub` is missing or ill-formed.
  kTimes,            ///< `exp`, `nbf` or `iat` is missing where it must not be, or no time.
  kExpired,          ///< `exp` is over.
  kNotYetValid,      ///< `nbf` or `iat` is to come.
  kLifetime,         ///< It lives longer than allowed.
  kUnknownKey,       ///< The issuer has no such key for this algorithm.
  kAmbiguousKey,     ///< The issuer has several, and the token does not tell which.
  kSignature,        ///< The signature is not that of the key.
  kKeysUnavailable,  ///< The issuer's keys are not at hand: try again later.
};

/// All of them, for making metrics.
inline constexpr std::array kAllJwtRefusals = {
    JwtRefusal::kTooLarge,  JwtRefusal::kMalformed,      JwtRefusal::kHeader,
    JwtRefusal::kAlgorithm, JwtRefusal::kType,           JwtRefusal::kIssuer,
    JwtRefusal::kAudience,  JwtRefusal::kTenant,         JwtRefusal::kSubject,
    JwtRefusal::kTimes,     JwtRefusal::kExpired,        JwtRefusal::kNotYetValid,
    JwtRefusal::kLifetime,  JwtRefusal::kUnknownKey,     JwtRefusal::kAmbiguousKey,
    JwtRefusal::kSignature, JwtRefusal::kKeysUnavailable};

/// A stable name, for example `unknown_key`.
constexpr absl::string_view JwtRefusalName(JwtRefusal refusal) {
  switch (refusal) {
    case JwtRefusal::kTooLarge:
      return "too_large";
    case JwtRefusal::kMalformed:
      return "malformed";
    case JwtRefusal::kHeader:
      return "header";
    case JwtRefusal::kAlgorithm:
      return "algorithm";
    case JwtRefusal::kType:
      return "type";
    case JwtRefusal::kIssuer:
      return "issuer";
    case JwtRefusal::kAudience:
      return "audience";
    case JwtRefusal::kTenant:
      return "tenant";
    case JwtRefusal::kSubject:
      return "subject";
    case JwtRefusal::kTimes:
      return "times";
    case JwtRefusal::kExpired:
      return "expired";
    case JwtRefusal::kNotYetValid:
      return "not_yet_valid";
    case JwtRefusal::kLifetime:
      return "lifetime";
    case JwtRefusal::kUnknownKey:
      return "unknown_key";
    case JwtRefusal::kAmbiguousKey:
      return "ambiguous_key";
    case JwtRefusal::kSignature:
      return "signature";
    case JwtRefusal::kKeysUnavailable:
      return "keys_unavailable";
  }
  return "";
}

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_JWT_REFUSAL_H_
