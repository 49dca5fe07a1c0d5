// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_MAKE_DIRECTORY_H_
#define TOKENSVC_SERVICE_MAKE_DIRECTORY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "service/credential/credential_environment.h"
#include "service/credential/managed_identity_assertion.h"
#include "service/grant/registration.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// The registrations of a validated configuration, with their authorities and client credentials.
/// Reads the credentials' files with blocking calls; fails where one of them changed for the worse
/// since validation. Credentials that are managed identities use `assertions`.
absl::StatusOr<std::shared_ptr<const Directory>> MakeDirectory(
    const config::v1::ServiceConfig& config, const CredentialEnvironment& environment,
    ManagedIdentityAssertions& assertions);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_MAKE_DIRECTORY_H_
