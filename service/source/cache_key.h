// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SOURCE_CACHE_KEY_H_
#define TOKENSVC_SERVICE_SOURCE_CACHE_KEY_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "service/source/app_token_request.h"

namespace tokensvc {

/// The canonical bytes that name the token which `request` asks for (DESIGN.md §2, invariant 1; ADR
/// 0003): every field that shapes a token, each behind its length, so that no two requests for
/// different tokens share them, whatever their fields hold. A claims challenge and `force_refresh`
/// are not part of it: they ask for a newer one of the same token. Deterministic across processes
/// and releases of one format.
///
/// `keyspace` names the fleet's share of a store.
std::string AppTokenCacheKey(absl::string_view keyspace, const AppTokenRequest& request);

/// Whose token a key names.
struct CacheKeyOwner {
  std::string authority;  ///< Its identity, see `AuthorityIdentity`.
  std::string tenant;     ///< Empty where the authority has none.
  std::string registration;
};
/// Reads it from a key of `AppTokenCacheKey`; nothing where `key` is none of this format.
std::optional<CacheKeyOwner> OwnerOfCacheKey(absl::string_view key);

/// Whom caches, queues and bounds are divided by: a tenant of an authority, and where an authority
/// has no tenants, the registration.
std::string PartitionOf(const AppTokenRequest& request);

/// The partition of all tokens of `tenant`, not empty.
std::string TenantPartition(const Authority& authority, absl::string_view tenant);

/// The key of the flight that serves a forced request: the token's key and the challenge's digest.
std::string ForcedFlightKey(absl::string_view cache_key, absl::string_view claims_challenge);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SOURCE_CACHE_KEY_H_
