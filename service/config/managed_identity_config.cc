// SPDX-License-Identifier: Apache-2.0
#include "service/config/managed_identity_config.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "service/config/address.h"
#include "service/config/secret_reference.h"

namespace tokensvc {
namespace {

std::string EndpointText(const config::v1::ManagedIdentity& identity) {
  if (!identity.endpoint().empty()) return identity.endpoint();
  switch (identity.source()) {
    case config::v1::MANAGED_IDENTITY_SOURCE_APP_SERVICE:
      return "env:IDENTITY_ENDPOINT";
    case config::v1::MANAGED_IDENTITY_SOURCE_AZURE_ARC:
      return "http://127.0.0.1:40342/metadata/identity/oauth2/token";
    default:
      return "http://169.254.169.254/metadata/identity/oauth2/token";
  }
}

}  // namespace

absl::StatusOr<std::string> ManagedIdentityEndpoint(const config::v1::ManagedIdentity& identity) {
  std::string url = EndpointText(identity);
  if (absl::StartsWith(url, "env:")) {
    const absl::StatusOr<Secret> value = ReadSecret(url);
    if (!value.ok()) return value.status();
    url = std::string(value->Reveal());
  }
  const absl::string_view problem = ProblemOfPlatformUrl(url);
  if (!problem.empty()) return absl::FailedPreconditionError(problem);
  return url;
}

std::string IdentityHeaderReference(const config::v1::ManagedIdentity& identity) {
  return identity.identity_header().empty() ? "env:IDENTITY_HEADER" : identity.identity_header();
}

absl::Status CheckIdentityHeader(const config::v1::ManagedIdentity& identity) {
  const absl::StatusOr<Secret> value = ReadSecret(IdentityHeaderReference(identity));
  if (!value.ok()) return value.status();
  const absl::string_view text = value->Reveal();
  const bool plain = std::none_of(text.begin(), text.end(),
                                  [](unsigned char c) { return absl::ascii_iscntrl(c); });
  if (plain) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "holds a line break or another control character: no HTTP header can carry that");
}

std::string ArcKeyDirectory(const config::v1::ManagedIdentity& identity) {
  return identity.key_directory().empty() ? "/var/opt/azcmagent/tokens" : identity.key_directory();
}

std::string AssertionAudience(const config::v1::ManagedIdentity& identity,
                              const config::v1::Authority& authority) {
  if (!identity.audience().empty()) return identity.audience();
  switch (authority.entra().cloud()) {
    case config::v1::CLOUD_US_GOVERNMENT:
      return "api://AzureADTokenExchangeUSGov";
    case config::v1::CLOUD_CHINA:
      return "api://AzureADTokenExchangeChina";
    default:
      return "api://AzureADTokenExchange";
  }
}

}  // namespace tokensvc
