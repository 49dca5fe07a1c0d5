// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_MANAGED_IDENTITY_CONFIG_H_
#define TOKENSVC_SERVICE_CONFIG_MANAGED_IDENTITY_CONFIG_H_

#include <string>

#include "absl/status/statusor.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// The URL of the endpoint that answers for `identity`: as written, as the variable says that is
/// written instead, or its source's own. kNotFound where there is no such variable,
/// kFailedPrecondition where it is no URL of this machine; the texts show neither.
absl::StatusOr<std::string> ManagedIdentityEndpoint(const config::v1::ManagedIdentity& identity);

/// The reference to App Service's identity header: as written, or `env:IDENTITY_HEADER`.
std::string IdentityHeaderReference(const config::v1::ManagedIdentity& identity);

/// Reads it. As ReadSecret; also kFailedPrecondition where the value is none that a header of HTTP
/// can carry (RFC 9110 section 5.5). No text shows the value.
absl::Status CheckIdentityHeader(const config::v1::ManagedIdentity& identity);

/// Where Azure Arc's agent puts its keys: as written, or `/var/opt/azcmagent/tokens`.
std::string ArcKeyDirectory(const config::v1::ManagedIdentity& identity);

/// What an assertion is for: as written, or what `authority`'s cloud expects.
/// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
std::string AssertionAudience(const config::v1::ManagedIdentity& identity,
                              const config::v1::Authority& authority);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_MANAGED_IDENTITY_CONFIG_H_
