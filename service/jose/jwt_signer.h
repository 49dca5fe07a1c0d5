// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_JWT_SIGNER_H_
#define TOKENSVC_SERVICE_JOSE_JWT_SIGNER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "service/jose/jws_algorithm.h"
#include "service/jose/private_key.h"

namespace tokensvc {

/// Signs JWTs with one key and one algorithm. Immutable and thread-safe. An RSA signature takes
/// about half a millisecond: not for an event loop's thread.
class JwtSigner {
 public:
  /// Errors: kInvalidArgument where the key's type is not the algorithm's.
  static absl::StatusOr<JwtSigner> Create(JwsAlgorithm algorithm, PrivateKey key);

  JwsAlgorithm algorithm() const { return algorithm_; }

  /// A JWS in compact serialization (RFC 7515 §7.1). `alg` is the signer's and set here, whatever
  /// the header says. The JSON is deterministic: members in the order of their names, no white
  /// space. Errors: kInvalidArgument where either is no object or holds text that is not UTF-8;
  /// kInternal where OpenSSL fails.
  absl::StatusOr<std::string> Sign(const Json& header, const Json& payload) const;

  /// The bytes of the signature over `signing_input`, as JWS has them (ES256: r and s, 32 bytes
  /// each, RFC 7518 §3.4). Errors: kInternal.
  absl::StatusOr<std::string> SignBytes(absl::string_view signing_input) const;

 private:
  JwtSigner(JwsAlgorithm algorithm, PrivateKey key) : algorithm_(algorithm), key_(std::move(key)) {}

  JwsAlgorithm algorithm_;
  PrivateKey key_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_JWT_SIGNER_H_
