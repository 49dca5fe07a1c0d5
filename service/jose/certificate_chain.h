// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_CERTIFICATE_CHAIN_H_
#define TOKENSVC_SERVICE_JOSE_CERTIFICATE_CHAIN_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/jose/private_key.h"
#include "service/jose/ssl_ptr.h"

namespace tokensvc {

/// A certificate that a signature is made under, with the certificates that issued it where the
/// file has them: the leaf first. Whether the chain is trusted is the authority's question.
/// Immutable; copies share the leaf. Thread-safe.
class CertificateChain {
 public:
  /// Reads every certificate of a PEM text, at most 10; other PEM blocks, such as a private key in
  /// the same file, are passed over. Errors: kInvalidArgument, with a text that holds nothing of
  /// the input, where there is no certificate or any of them cannot be read.
  static absl::StatusOr<CertificateChain> FromPem(absl::string_view pem);

  /// The leaf's times.
  absl::Time not_before() const { return not_before_; }
  absl::Time not_after() const { return not_after_; }

  /// The leaf's thumbprints, as JWS headers carry them (RFC 7515 §4.1.7, §4.1.8).
  const std::string& x5t() const { return x5t_; }
  const std::string& x5t_s256() const { return x5t_s256_; }

  /// The DER of each certificate in base64 with padding, the leaf first (RFC 7515 §4.1.6).
  const std::vector<std::string>& x5c() const { return x5c_; }

  /// Whether `key` is the private key of the leaf.
  bool Matches(const PrivateKey& key) const;

 private:
  CertificateChain() = default;

  std::shared_ptr<X509> leaf_;
  absl::Time not_before_, not_after_;
  std::string x5t_, x5t_s256_;
  std::vector<std::string> x5c_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_CERTIFICATE_CHAIN_H_
