// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_KEYS_H_
#define TOKENSVC_TESTS_AUTHORITY_KEYS_H_

#include <openssl/evp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/authority/json.h"

namespace tokensvc::devauth {

using SharedPkey = std::shared_ptr<EVP_PKEY>;

/// The RSA key that the authority signs its tokens with. Immutable, so safe to share.
class SigningKey {
 public:
  /// A new RSA-2048 key.
  static absl::StatusOr<SigningKey> Generate();
  /// A PKCS#8 or PKCS#1 RSA private key in PEM, at least 2048 bits.
  static absl::StatusOr<SigningKey> FromPem(absl::string_view pem);

  /// The RFC 7638 thumbprint of the public key.
  const std::string& kid() const { return kid_; }
  /// The public half as a JWK (RFC 7517).
  const Json& jwk() const { return jwk_; }
  /// RS256 over `input`; the raw signature.
  std::string Sign(absl::string_view input) const;

 private:
  static absl::StatusOr<SigningKey> Wrap(SharedPkey key);

  SharedPkey key_;
  std::string kid_;
  Json jwk_;
};

/// A client's registered certificate.
struct RegisteredCertificate {
  SharedPkey public_key;
  std::string der;
  std::string x5t;       ///< base64url of the SHA-1 of the DER (RFC 7515 §4.1.7)
  std::string x5t_s256;  ///< base64url of the SHA-256 of the DER (§4.1.8)

  /// Reads the first certificate of a PEM text.
  static absl::StatusOr<RegisteredCertificate> FromPem(absl::string_view pem);
};

/// Verifies a JWS signature; false for every other algorithm than PS256, RS256 and ES256, and for a
/// key of another type or size than the algorithm's.
bool VerifySignature(absl::string_view alg, EVP_PKEY* key, absl::string_view input,
                     absl::string_view signature);

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_KEYS_H_
