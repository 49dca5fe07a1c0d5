// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_TLS_CLIENT_CREDENTIAL_H_
#define TOKENSVC_SERVICE_CREDENTIAL_TLS_CLIENT_CREDENTIAL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/credential/client_credential.h"
#include "service/credential/credential_environment.h"
#include "service/credential/reloading_tls_certificate.h"

namespace tokensvc {

/// Mutual TLS (RFC 8705 §2): the handshake proves who we are, and the form holds `client_id` alone.
/// Whether the authority trusts the certificate's issuer (`tls_client_auth`) or knows the
/// certificate itself (`self_signed_tls_client_auth`) makes no difference here.
class TlsClientCredential final : public ClientCredential {
 public:
  struct Options {
    std::string id;
    std::string certificate_path;
    std::string private_key_path;
  };

  /// Reads the files now. Errors: as `ReloadingTlsCertificate::Load`.
  static absl::StatusOr<std::shared_ptr<TlsClientCredential>> Create(
      Options options, const CredentialEnvironment& environment);

  const std::string& id() const override { return id_; }
  /// Goes to the worker pool only when the files are to be looked at.
  asio::awaitable<absl::Status> AddTo(TokenEndpointRequest& request) override;
  asio::awaitable<void> CheckForChange() override;
  std::uint64_t version() const override { return certificate_->version(); }

 private:
  TlsClientCredential(std::string id, std::shared_ptr<ReloadingTlsCertificate> certificate,
                      const CredentialEnvironment& environment);

  const std::string id_;
  // Shared with the work on the pool: it may outlive the credential.
  const std::shared_ptr<ReloadingTlsCertificate> certificate_;
  WorkerPool& workers_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_TLS_CLIENT_CREDENTIAL_H_
