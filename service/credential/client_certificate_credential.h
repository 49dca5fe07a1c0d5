// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_CLIENT_CERTIFICATE_CREDENTIAL_H_
#define TOKENSVC_SERVICE_CREDENTIAL_CLIENT_CERTIFICATE_CREDENTIAL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/credential/client_assertion.h"
#include "service/credential/client_credential.h"
#include "service/credential/credential_environment.h"
#include "service/credential/reloading_key_pair.h"

namespace tokensvc {

/// A certificate with its private key: each request carries a new client assertion signed with it
/// (RFC 7523 §2.2). An assertion is never used twice, because authorities may remember `jti`.
class ClientCertificateCredential final : public ClientCredential {
 public:
  struct Options {
    KeyPairOptions key_pair;
    ClientAssertionFormat format;
  };

  /// Reads the files now. Errors: as `ReloadingKeyPair::Load`; kInvalidArgument for a lifetime that
  /// is not within one minute and one day.
  static absl::StatusOr<std::shared_ptr<ClientCertificateCredential>> Create(
      Options options, const CredentialEnvironment& environment);

  const std::string& id() const override { return id_; }
  asio::awaitable<absl::Status> AddTo(TokenEndpointRequest& request) override;
  asio::awaitable<void> CheckForChange() override;
  std::uint64_t version() const override { return key_pair_->version(); }

  /// When the certificate in force ends.
  absl::Time not_after() const { return key_pair_->Current()->chain.not_after(); }

 private:
  ClientCertificateCredential(std::string id, ClientAssertionFormat format,
                              std::shared_ptr<ReloadingKeyPair> key_pair,
                              const CredentialEnvironment& environment);

  const std::string id_;
  // Shared with the work on the pool: it may outlive the credential.
  const std::shared_ptr<const ClientAssertionFormat> format_;
  const std::shared_ptr<ReloadingKeyPair> key_pair_;
  const CredentialEnvironment environment_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_CLIENT_CERTIFICATE_CREDENTIAL_H_
