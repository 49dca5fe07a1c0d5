// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_SERVICE_HTTP_LOCAL_CERTIFICATES_H_
#define TOKENSVC_TESTS_SERVICE_HTTP_LOCAL_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "service/http/http_transport.h"
#include "tests/service/http/loopback_server.h"

namespace tokensvc {

/// A certification authority of this process, with its files in a temporary directory that ends
/// with it.
class LocalAuthority {
 public:
  explicit LocalAuthority(const std::string& name = "Test CA");
  ~LocalAuthority();

  /// PEM file with the authority's own certificate.
  std::string ca_file() const { return directory_ + "/ca.pem"; }

  /// A server certificate for `names` (OpenSSL's notation: "IP:127.0.0.1,DNS:localhost"), valid
  /// until `expires_in` from now.
  LoopbackServer::Tls Issue(const std::string& names, absl::Duration expires_in,
                            const std::string& subject = "server");

  /// A certificate for a client of that name.
  std::shared_ptr<const ClientTlsCertificate> IssueClient(const std::string& subject);

 private:
  using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
  using Certificate = std::unique_ptr<X509, void (*)(X509*)>;

  Certificate Sign(const std::string& subject, EVP_PKEY* key, const std::string& names,
                   absl::Duration expires_in) const;

  std::string directory_;
  Key key_;
  Certificate certificate_;
  int issued_ = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_TESTS_SERVICE_HTTP_LOCAL_CERTIFICATES_H_
