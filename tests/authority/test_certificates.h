// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_TEST_CERTIFICATES_H_
#define TOKENSVC_TESTS_AUTHORITY_TEST_CERTIFICATES_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tokensvc {

/// Two PEM files.
struct CertificateFiles {
  std::string certificate;
  std::string private_key;  ///< PKCS#8, not encrypted, mode 0600
};

/// A certificate authority made for one test, and what it issues. Not thread-safe.
class TestCertificates {
 public:
  enum class Key { kRsa2048, kEcP256 };
  enum class Validity { kValid, kExpired, kNotYetValid };

  struct Leaf {
    std::string name;  ///< the common name, and the stem of the files
    Key key = Key::kEcP256;
    Validity validity = Validity::kValid;
    bool server = true;  ///< extended key usage: serverAuth, else clientAuth
    /// In OpenSSL's notation; empty: no subject alternative name.
    std::string subject_alternative_names = "IP:127.0.0.1,DNS:localhost";
  };

  /// Makes a CA of its own and writes `ca.pem` into `directory`, which exists.
  static absl::StatusOr<std::unique_ptr<TestCertificates>> Create(absl::string_view directory);
  ~TestCertificates();
  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;

  /// What a client trusts: the PEM file of the CA's certificate.
  const std::string& ca_file() const;

  /// Issues a certificate and writes `<name>.pem` and `<name>.key` beside the CA's.
  absl::StatusOr<CertificateFiles> Issue(const Leaf& leaf);
  /// A certificate for 127.0.0.1 and localhost, with a P-256 key.
  absl::StatusOr<CertificateFiles> IssueServer(absl::string_view name,
                                               Validity validity = Validity::kValid);
  /// A certificate to sign client assertions or to connect with; no alternative names.
  absl::StatusOr<CertificateFiles> IssueClient(absl::string_view name, Key key = Key::kRsa2048);

 private:
  class Impl;
  explicit TestCertificates(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_TESTS_AUTHORITY_TEST_CERTIFICATES_H_
