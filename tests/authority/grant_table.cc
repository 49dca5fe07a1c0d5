// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/client_credentials_grant.h"
#include "tests/authority/grant_handler.h"

namespace tokensvc::devauth {

GrantTable MakeGrantTable(const GrantDependencies& dependencies) {
  GrantTable table;
  table["client_credentials"] = std::make_unique<ClientCredentialsGrant>(dependencies);
  return table;
}

}  // namespace tokensvc::devauth
