// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_GRANT_REGISTRATION_H_
#define TOKENSVC_SERVICE_GRANT_REGISTRATION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/authority/authority.h"
#include "service/authority/error.h"
#include "service/credential/credential_list.h"
#include "service/credential/managed_identity.h"

namespace tokensvc {

/// A client registration: what the service is at one authority. Immutable; a reload makes new ones.
struct Registration {
  std::string name;
  std::shared_ptr<const Authority> authority;
  std::string client_id;

  /// The authority tenants that may be asked for, canonical. `any_tenant` is the operator's written
  /// "*".
  absl::flat_hash_set<std::string> tenants;
  bool any_tenant = false;
  std::string default_tenant;

  std::shared_ptr<CredentialList> credentials;
  /// Where the authority is one; then there are no credentials, and no client id.
  std::shared_ptr<const ManagedIdentity> managed_identity;

  /// What the client can handle, sent in `claims` (Entra's `xms_cc`), for example `cp1`.
  std::vector<std::string> client_capabilities;
  /// Names of further token-request parameters that a caller may set.
  absl::flat_hash_set<std::string> extra_parameters;
  bool client_claims_allowed = false;

  /// How long a client may keep a token without asking again; zero: not at all.
  absl::Duration near_cache = absl::Seconds(60);
};

/// What tells one authority from others of its kind, whatever the configuration calls it: the
/// issuer, Entra's base URL, the token endpoint, or the identity's name. Together with the kind
/// part of cache keys and of what throttling is filed under.
const std::string& AuthorityIdentity(const Authority& authority);

/// All registrations of one configuration, by name. Immutable.
using Directory = absl::flat_hash_map<std::string, std::shared_ptr<const Registration>>;

/// The canonical tenant that a request for `asked` means: the default where it is empty; refused
/// where its shape is wrong (kInvalidArgument), or where it is not on the list (kPermissionDenied,
/// with the same answer that an unknown registration gets).
Result<std::string> ResolveTenant(const Registration& registration, absl::string_view asked);

/// The one answer for "does not exist" and "not yours".
Error AccessDenied();

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_GRANT_REGISTRATION_H_
