// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_DOCUMENTS_H_
#define TOKENSVC_TESTS_AUTHORITY_DOCUMENTS_H_

#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/authority/form.h"
#include "tests/authority/json.h"
#include "tests/authority/keys.h"
#include "tests/authority/oauth_error.h"
#include "tests/authority/tenants.h"

namespace tokensvc::devauth {

/// Entra's discovery document for the tenant that a URL names. The issuer is the name as asked
/// where no tenants are configured, the tenant's GUID where they are, and the literal `{tenantid}`
/// for `common` and `organizations`, as Entra has it.
std::variant<Json, OAuthError> EntraDiscovery(absl::string_view base, absl::string_view tenant,
                                              const std::vector<Tenant>& tenants);

/// The OIDC issuer's discovery document.
Json OidcDiscovery(absl::string_view base);

/// The key set of both.
Json KeySet(const SigningKey& key);

/// Instance discovery: aliases of the authority host in the query's `authorization_endpoint`;
/// `invalid_instance` for a host that is neither one of `own_hosts` nor a public cloud's.
std::variant<Json, OAuthError> InstanceDiscovery(absl::string_view base, const Form& query,
                                                 const std::vector<std::string>& own_hosts);

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_DOCUMENTS_H_
