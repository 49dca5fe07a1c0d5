// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_JWS_ALGORITHM_H_
#define TOKENSVC_SERVICE_JOSE_JWS_ALGORITHM_H_

#include <openssl/evp.h>

#include <optional>

#include "absl/strings/string_view.h"

namespace tokensvc {

/// Signature algorithms of RFC 7518 §3.1 that are made and verified here. All use SHA-256.
/// Symmetric ones and `none` have no place in this list, so that no mistake can choose them.
enum class JwsAlgorithm { kPs256, kRs256, kEs256 };

/// The name in `alg`, for example `PS256`.
absl::string_view JwsAlgorithmName(JwsAlgorithm algorithm);

/// The algorithm of that name, byte for byte; nullopt for all that is not in the list.
std::optional<JwsAlgorithm> FindJwsAlgorithm(absl::string_view name);

/// Sets what RFC 7518 §3.5 says of PSS: MGF1 with the same hash, salt as long as the hash.
bool SetJwsPss(EVP_PKEY_CTX* context);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_JWS_ALGORITHM_H_
