// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_SEAL_OPAQUE_NAMES_H_
#define TOKENSVC_CACHE_SEAL_OPAQUE_NAMES_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/key_ring.h"
#include "cache/seal/hmac_sha256.h"

namespace tokensvc {

/// Makes what stands in the shared store in place of names: HMAC-SHA-256 (RFC 2104) under an index
/// key, so that nobody without it can tell which token is there, or whether a guess is. Not
/// thread-safe.
class OpaqueNames {
 public:
  /// `key_prefix` stands in front of all keys of a fleet, and in its ACL rule; `keyspace` keeps
  /// fleets apart that share keys.
  OpaqueNames(std::string key_prefix, std::string keyspace);

  /// The key under which the record of `canonical_key` lies: prefix, "v:" and 43 characters.
  std::string RecordKey(const RingKey& index_key, absl::string_view canonical_key);

  /// The key of the budget `name` of a partition: prefix, "b:", 43 characters for the partition in
  /// braces (a hash tag: Redis Cluster keeps all of a partition in one place), ":" and 43 for both.
  std::string BudgetKey(const RingKey& index_key, absl::string_view partition,
                        absl::string_view name);
  /// What a scope of purges is called: 43 characters. `kind` keeps scopes of one name apart.
  std::string PurgeName(const RingKey& index_key, std::uint8_t kind, absl::string_view scope);

  /// The key under which replicas compare their keys, and what proves that one has `index_key`:
  /// 32 bytes over the keyspace and `context`.
  std::string CheckKey() const { return key_prefix_ + "check"; }
  std::string CheckProof(const RingKey& index_key, absl::string_view context);

  const std::string& keyspace() const { return keyspace_; }

 private:
  const std::string key_prefix_;
  const std::string keyspace_;
  HmacSha256 mac_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_SEAL_OPAQUE_NAMES_H_
