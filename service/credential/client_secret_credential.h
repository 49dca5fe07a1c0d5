// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_CLIENT_SECRET_CREDENTIAL_H_
#define TOKENSVC_SERVICE_CREDENTIAL_CLIENT_SECRET_CREDENTIAL_H_

#include <memory>
#include <string>

#include "service/credential/client_credential.h"
#include "service/credential/credential_environment.h"
#include "service/credential/reloading_secret.h"

namespace tokensvc {

/// A client secret (RFC 6749 §2.3.1).
class ClientSecretCredential final : public ClientCredential {
 public:
  enum class Method {
    kPost,   ///< `client_secret_post`: `client_id` and `client_secret` in the form.
    kBasic,  ///< `client_secret_basic`: an `Authorization` header; neither stands in the form.
  };
  struct Options {
    std::string id;
    Method method = Method::kPost;
    std::shared_ptr<ReloadingSecret> secret;
  };

  ClientSecretCredential(Options options, const CredentialEnvironment& environment);

  const std::string& id() const override { return options_.id; }
  /// Goes to the worker pool only when the secret's file is to be looked at.
  asio::awaitable<absl::Status> AddTo(TokenEndpointRequest& request) override;
  asio::awaitable<void> CheckForChange() override;
  std::uint64_t version() const override { return options_.secret->version(); }

 private:
  const Options options_;
  WorkerPool& workers_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_CLIENT_SECRET_CREDENTIAL_H_
