// SPDX-License-Identifier: Apache-2.0
#include "service/grant/registration.h"

#include <utility>

#include "service/authority/tenant.h"

namespace tokensvc {

const std::string& AuthorityIdentity(const Authority& authority) {
  if (authority.kind == AuthorityKind::kEntra) return authority.base_url;
  return authority.kind == AuthorityKind::kOidc ? authority.issuer : authority.token_endpoint;
}

Error AccessDenied() {
  Error error;
  error.code = absl::StatusCode::kPermissionDenied;
  error.reason = Reason::kPolicyDenied;
  error.message =
      "this caller may not use that registration for that tenant and these scopes, or they do not "
      "exist; ask the operator of the token service";
  return error;
}

Result<std::string> ResolveTenant(const Registration& registration, absl::string_view asked) {
  if (!ProfileOf(*registration.authority).has_tenants) {
    if (asked.empty()) return std::string();
    return InvalidRequest("tenant", "this registration's authority has no tenants; leave it empty");
  }
  if (asked.empty()) {
    if (!registration.default_tenant.empty()) return registration.default_tenant;
    return InvalidRequest("tenant",
                          "this registration has no default tenant; name the tenant by its id (a "
                          "GUID) or one of its verified domains");
  }
  Result<std::string> tenant = CanonicalTenant(asked);
  if (!tenant.ok()) return tenant;
  if (!registration.any_tenant && !registration.tenants.contains(*tenant)) return AccessDenied();
  return tenant;
}

}  // namespace tokensvc
