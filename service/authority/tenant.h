// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_TENANT_H_
#define TOKENSVC_SERVICE_AUTHORITY_TENANT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "service/authority/error.h"

namespace tokensvc {

/// The one spelling of an Entra tenant: a GUID or a verified domain (two labels at least, no IP
/// address), in lower case. It becomes a path segment of the token endpoint and part of cache keys,
/// so nothing else gets through. `common`, `organizations` and `consumers` are no tenants: an app
/// has no home there, and which tenant issues would be the authority's guess. Errors:
/// InvalidRequest for the field `tenant`, which does not repeat the input.
Result<std::string> CanonicalTenant(absl::string_view tenant);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_TENANT_H_
