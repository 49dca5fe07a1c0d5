// SPDX-License-Identifier: Apache-2.0
#include "service/make_managed_identity.h"

#include <utility>

#include "service/config/managed_identity_config.h"
#include "service/make_reloading_secret.h"

namespace tokensvc {
namespace {

void SetUser(const config::v1::ManagedIdentity& config, ManagedIdentity* identity) {
  switch (config.user_assigned_case()) {
    case config::v1::ManagedIdentity::kClientId:
      identity->selector = ManagedIdentity::Selector::kClientId;
      identity->id = config.client_id();
      break;
    case config::v1::ManagedIdentity::kObjectId:
      identity->selector = ManagedIdentity::Selector::kObjectId;
      identity->id = config.object_id();
      break;
    case config::v1::ManagedIdentity::kResourceId:
      identity->selector = ManagedIdentity::Selector::kResourceId;
      identity->id = config.resource_id();
      break;
    case config::v1::ManagedIdentity::USER_ASSIGNED_NOT_SET:
      break;
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ManagedIdentity>> MakeManagedIdentity(
    const config::v1::ManagedIdentity& config, const std::string& user,
    const CredentialEnvironment& environment) {
  auto identity = std::make_shared<ManagedIdentity>();
  absl::StatusOr<std::string> endpoint = ManagedIdentityEndpoint(config);
  if (!endpoint.ok()) return endpoint.status();
  identity->endpoint = *std::move(endpoint);
  SetUser(config, identity.get());
  switch (config.source()) {
    case config::v1::MANAGED_IDENTITY_SOURCE_APP_SERVICE: {
      identity->source = ManagedIdentitySource::kAppService;
      absl::StatusOr<std::shared_ptr<ReloadingSecret>> header =
          MakeReloadingSecret(IdentityHeaderReference(config), user, environment);
      if (!header.ok()) return header.status();
      identity->identity_header = *std::move(header);
      break;
    }
    case config::v1::MANAGED_IDENTITY_SOURCE_AZURE_ARC:
      identity->source = ManagedIdentitySource::kAzureArc;
      identity->key_directory = ArcKeyDirectory(config);
      break;
    default:
      identity->source = ManagedIdentitySource::kImds;
  }
  return std::shared_ptr<const ManagedIdentity>(std::move(identity));
}

}  // namespace tokensvc
