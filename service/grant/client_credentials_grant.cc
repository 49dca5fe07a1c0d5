// SPDX-License-Identifier: Apache-2.0
#include "service/grant/client_credentials_grant.h"

namespace tokensvc {

void ClientCredentialsGrant::AppendTo(TokenRequestForm& form) const {
  const auto add = [&form](absl::string_view name, absl::string_view value) {
    if (!value.empty()) form.emplace_back(std::string(name), Secret::CopyOf(value));
  };
  add("grant_type", "client_credentials");
  add("scope", params_.scope);
  add("resource", params_.resource);
  add("audience", params_.audience);
  add("claims", params_.claims);
  for (const auto& [name, value] : params_.extra_parameters) add(name, value);
}

}  // namespace tokensvc
