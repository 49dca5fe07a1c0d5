// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_PUBLIC_KEY_H_
#define TOKENSVC_SERVICE_JOSE_PUBLIC_KEY_H_

#include <openssl/evp.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/string_view.h"
#include "service/jose/jws_algorithm.h"

namespace tokensvc {

/// A public key that verifies signatures: RSA of 2048 to 8192 bits, or EC on P-256. Immutable;
/// copies share the key. Thread-safe.
class PublicKey {
 public:
  enum class Type { kRsa, kEcP256 };

  /// Of a modulus and an exponent, big endian, without leading zeros (RFC 7518 §6.3.1). nullopt for
  /// a modulus of another size or that is even, and for an exponent that is even, less than 65537
  /// (FIPS 186-5 §A.1.1) or longer than 32 bits: a long one only makes verification slow.
  static std::optional<PublicKey> FromRsa(absl::string_view modulus, absl::string_view exponent);

  /// Of a point's coordinates, 32 bytes each (RFC 7518 §6.2.1). nullopt for one that is not on the
  /// curve.
  static std::optional<PublicKey> FromEcP256(absl::string_view x, absl::string_view y);

  Type type() const { return type_; }

  /// Whether the key is of the type that `algorithm` needs.
  bool Fits(JwsAlgorithm algorithm) const;

  /// Whether `signature`, in the form that JWS has (ES256: r and s, 32 bytes each, RFC 7518 §3.4),
  /// is this key's over `signing_input`. False where the key does not fit the algorithm.
  bool Verifies(JwsAlgorithm algorithm, absl::string_view signing_input,
                absl::string_view signature) const;

  /// Whether both are the same key.
  friend bool operator==(const PublicKey& a, const PublicKey& b) {
    return a.type_ == b.type_ && EVP_PKEY_eq(a.key_.get(), b.key_.get()) == 1;
  }

 private:
  PublicKey(std::shared_ptr<EVP_PKEY> key, Type type) : key_(std::move(key)), type_(type) {}

  static std::optional<PublicKey> FromParameters(const char* name, const OSSL_PARAM* parameters,
                                                 Type type);

  std::shared_ptr<EVP_PKEY> key_;
  Type type_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_PUBLIC_KEY_H_
