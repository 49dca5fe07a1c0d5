// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_ASSERTION_FILE_CREDENTIAL_H_
#define TOKENSVC_SERVICE_CREDENTIAL_ASSERTION_FILE_CREDENTIAL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/credential/client_credential.h"
#include "service/credential/credential_environment.h"
#include "service/credential/reloading_assertion.h"

namespace tokensvc {

/// A client assertion (RFC 7523 §2.2) that an issuer whom the authority trusts for this client
/// keeps writing to a file: workload identity federation. Unlike an assertion of our own it is sent
/// more than once, as long as the file holds it, so it is only for authorities that do not
/// remember `jti`.
class AssertionFileCredential final : public ClientCredential {
 public:
  /// Reads the file now. Errors: as `ReloadingAssertion::FromFile`.
  static absl::StatusOr<std::shared_ptr<AssertionFileCredential>> Create(
      std::string id, std::string path, const CredentialEnvironment& environment);

  const std::string& id() const override { return id_; }
  /// Goes to the worker pool only when the file is to be looked at. kFailedPrecondition where the
  /// assertion at hand has expired, with the time at which it did.
  asio::awaitable<absl::Status> AddTo(TokenEndpointRequest& request) override;
  asio::awaitable<void> CheckForChange() override;
  std::uint64_t version() const override { return assertion_->version(); }

 private:
  AssertionFileCredential(std::string id, std::shared_ptr<ReloadingAssertion> assertion,
                          const CredentialEnvironment& environment);

  const std::string id_;
  // Shared with the work on the pool: it may outlive the credential.
  const std::shared_ptr<ReloadingAssertion> assertion_;
  const Clock& clock_;
  WorkerPool& workers_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_ASSERTION_FILE_CREDENTIAL_H_
