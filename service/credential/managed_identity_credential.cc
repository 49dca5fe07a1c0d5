// SPDX-License-Identifier: Apache-2.0
#include "service/credential/managed_identity_credential.h"

#include <utility>

#include "service/credential/client_assertion.h"

namespace tokensvc {

ManagedIdentityCredential::ManagedIdentityCredential(
    std::string id, std::shared_ptr<ManagedIdentityAssertion> assertion,
    const CredentialEnvironment& environment)
    : id_(std::move(id)), assertion_(std::move(assertion)) {
  // Not the assertion itself: the metric outlives the credential.
  environment.metrics.TrackAssertionExpiry(
      id_,
      [weak = std::weak_ptr<const ManagedIdentityAssertion>(
           assertion_)]() -> std::optional<absl::Time> {
        const std::shared_ptr<const ManagedIdentityAssertion> alive = weak.lock();
        if (alive == nullptr) return std::nullopt;
        return alive->expires_at();
      });
}

asio::awaitable<absl::Status> ManagedIdentityCredential::AddTo(TokenEndpointRequest& request) {
  absl::StatusOr<ManagedIdentityAssertion::Value> value = co_await assertion_->Get();
  if (!value.ok()) co_return value.status();
  request.form.emplace_back("client_id", Secret::CopyOf(request.client_id));
  request.form.emplace_back("client_assertion_type", Secret::CopyOf(kJwtBearerAssertionType));
  request.form.emplace_back("client_assertion", std::move(value->assertion));
  request.credential_version = value->version;
  co_return absl::OkStatus();
}

}  // namespace tokensvc
