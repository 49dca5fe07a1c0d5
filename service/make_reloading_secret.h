// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_MAKE_RELOADING_SECRET_H_
#define TOKENSVC_SERVICE_MAKE_RELOADING_SECRET_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "service/config/secret_reference.h"
#include "service/credential/credential_environment.h"
#include "service/credential/reloading_secret.h"

namespace tokensvc {

/// The secret that a configuration refers to; a file is followed.
inline absl::StatusOr<std::shared_ptr<ReloadingSecret>> MakeReloadingSecret(
    absl::string_view text, const std::string& credential_id,
    const CredentialEnvironment& environment) {
  absl::StatusOr<SecretReference> reference = ParseSecretReference(text);
  if (!reference.ok()) return reference.status();
  if (reference->source == SecretReference::Source::kFile) {
    return ReloadingSecret::FromFile(credential_id, reference->name, environment);
  }
  absl::StatusOr<Secret> value = ReadSecret(*reference);
  if (!value.ok()) return value.status();
  return ReloadingSecret::FromValue(credential_id, *std::move(value), environment);
}

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_MAKE_RELOADING_SECRET_H_
