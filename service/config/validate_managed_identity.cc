// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "service/config/address.h"
#include "service/config/secret_reference.h"
#include "service/config/validate.h"

namespace tokensvc {
namespace {

bool IsVisible(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); });
}

}  // namespace

void ValidateManagedIdentity(const config::v1::ManagedIdentity& identity, const std::string& path,
                             ConfigReporter* reporter) {
  for (const auto& [key, id] :
       {std::pair<const char*, const std::string&>(".client_id", identity.client_id()),
        {".object_id", identity.object_id()}}) {
    if (!id.empty() && !IsGuid(id)) reporter->Report(path + key, "must be a GUID");
  }
  if (!identity.resource_id().empty() &&
      (!absl::StartsWith(identity.resource_id(), "/") || !IsVisible(identity.resource_id()))) {
    reporter->Report(path + ".resource_id",
                     "must be the identity's whole resource id, from /subscriptions/ on");
  }
  if (!IsVisible(identity.audience())) {
    reporter->Report(path + ".audience",
                     "must be visible ASCII, such as api://AzureADTokenExchange");
  }
  const std::string& endpoint = identity.endpoint();
  if (absl::StartsWith(endpoint, "env:")) {
    const auto reference = ParseSecretReference(endpoint);
    if (!reference.ok()) {
      reporter->Report(path + ".endpoint", std::string(reference.status().message()));
    }
  } else if (!endpoint.empty()) {
    const absl::string_view problem = ProblemOfPlatformUrl(endpoint);
    if (!problem.empty()) reporter->Report(path + ".endpoint", std::string(problem));
  }
  if (reporter->Broken(path + ".source")) return;
  const bool app_service = identity.source() == config::v1::MANAGED_IDENTITY_SOURCE_APP_SERVICE;
  const bool arc = identity.source() == config::v1::MANAGED_IDENTITY_SOURCE_AZURE_ARC;
  if (!app_service && !identity.identity_header().empty()) {
    reporter->Report(path + ".identity_header", "is for APP_SERVICE only: remove it");
  }
  if (!arc && !identity.key_directory().empty()) {
    reporter->Report(path + ".key_directory", "is for AZURE_ARC only: remove it");
  }
  if (arc && identity.user_assigned_case() != config::v1::ManagedIdentity::USER_ASSIGNED_NOT_SET) {
    reporter->Report(path + ".source",
                     "AZURE_ARC has the machine's own identity only: remove the client_id, "
                     "object_id or resource_id");
  }
}

}  // namespace tokensvc
