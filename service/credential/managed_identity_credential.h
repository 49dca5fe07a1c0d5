// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_MANAGED_IDENTITY_CREDENTIAL_H_
#define TOKENSVC_SERVICE_CREDENTIAL_MANAGED_IDENTITY_CREDENTIAL_H_

#include <memory>
#include <string>

#include "service/credential/client_credential.h"
#include "service/credential/credential_environment.h"
#include "service/credential/managed_identity_assertion.h"

namespace tokensvc {

/// A managed identity's token as client assertion (RFC 7523 §2.2): what Entra calls a managed
/// identity as a federated identity credential. As an assertion in a file it is sent more than
/// once.
class ManagedIdentityCredential final : public ClientCredential {
 public:
  ManagedIdentityCredential(std::string id, std::shared_ptr<ManagedIdentityAssertion> assertion,
                            const CredentialEnvironment& environment);

  const std::string& id() const override { return id_; }
  /// Waits for the platform where there is no assertion that is good. Errors:
  /// `ManagedIdentityAssertion::Get`'s.
  asio::awaitable<absl::Status> AddTo(TokenEndpointRequest& request) override;
  std::uint64_t version() const override { return assertion_->version(); }

 private:
  const std::string id_;
  const std::shared_ptr<ManagedIdentityAssertion> assertion_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_MANAGED_IDENTITY_CREDENTIAL_H_
