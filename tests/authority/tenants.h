// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_TENANTS_H_
#define TOKENSVC_TESTS_AUTHORITY_TENANTS_H_

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/authority/oauth_error.h"

namespace tokensvc::devauth {

/// A directory tenant.
struct Tenant {
  std::string id;                    ///< a GUID
  std::vector<std::string> domains;  ///< its verified domains
};

/// True for `common`, `organizations` and `consumers`.
bool IsTenantAlias(absl::string_view tenant);

/// True for a GUID or a DNS name of at least two labels.
bool IsTenantGrammar(absl::string_view tenant);

/// The GUID of the tenant that a URL names, or Entra's refusal. Without a list, every GUID is a
/// tenant, and every domain is one with a GUID derived from its name.
std::variant<std::string, OAuthError> ResolveTenant(absl::string_view name,
                                                    const std::vector<Tenant>& tenants);

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_TENANTS_H_
