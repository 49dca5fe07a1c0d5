// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_PRIVATE_KEY_H_
#define TOKENSVC_SERVICE_JOSE_PRIVATE_KEY_H_

#include <openssl/evp.h>

#include <memory>

#include "absl/status/statusor.h"
#include "base/secret.h"

namespace tokensvc {

/// A private key for signatures: RSA of 2048 to 8192 bits, or EC on P-256. Immutable; copies share
/// the key. Thread-safe.
class PrivateKey {
 public:
  enum class Type { kRsa, kEcP256 };

  /// Reads the first private key of a PEM text (PKCS#8, or the older RSA and EC forms);
  /// certificates beside it are passed over. Errors: kInvalidArgument, with a text that holds
  /// nothing of the input, for text without a key, for a key of another type or size, and for an
  /// encrypted one: a pass phrase would have to lie beside it.
  static absl::StatusOr<PrivateKey> FromPem(const Secret& pem);

  Type type() const { return type_; }

  /// For OpenSSL's functions, which take keys without `const`; borrowed, and not to be changed.
  EVP_PKEY* get() const { return key_.get(); }

 private:
  PrivateKey(std::shared_ptr<EVP_PKEY> key, Type type) : key_(std::move(key)), type_(type) {}

  std::shared_ptr<EVP_PKEY> key_;
  Type type_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_PRIVATE_KEY_H_
