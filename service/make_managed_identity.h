// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_MAKE_MANAGED_IDENTITY_H_
#define TOKENSVC_SERVICE_MAKE_MANAGED_IDENTITY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/credential/credential_environment.h"
#include "service/credential/managed_identity.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// The identity that a validated configuration describes. Reads variables and files with blocking
/// calls; `user` names who uses it, for the log lines about its files.
absl::StatusOr<std::shared_ptr<const ManagedIdentity>> MakeManagedIdentity(
    const config::v1::ManagedIdentity& config, const std::string& user,
    const CredentialEnvironment& environment);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_MAKE_MANAGED_IDENTITY_H_
