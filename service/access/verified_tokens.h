// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_VERIFIED_TOKENS_H_
#define TOKENSVC_SERVICE_ACCESS_VERIFIED_TOKENS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "service/jose/jwt_claims.h"

namespace tokensvc {

/// What a JWT that was verified says.
struct VerifiedToken {
  std::size_t issuer = 0;   ///< Its place among those of the authenticator that verified it.
  std::string issuer_name;  ///< As the configuration calls it.
  std::string key_set;      ///< `JwkSet::digest` of the keys by which it was verified.
  JwtClaims claims;

  /// The canonical id of the caller that shows it: `jwt:ISSUER-NAME:SUBJECT`.
  std::string caller_id;
};

/// A memory of tokens that were verified, so that the next call with the same token costs a hash
/// instead of a signature. Holds no token, only its SHA-256. Bounded by entries and bytes: the
/// least recently used go. Thread-safe.
class VerifiedTokens {
 public:
  using Id = std::array<unsigned char, 32>;
  using Value = std::shared_ptr<const VerifiedToken>;

  struct Limits {
    std::size_t max_entries = 32768;
    std::size_t max_bytes = std::size_t{32} << 20;
  };

  explicit VerifiedTokens(Limits limits);

  /// SHA-256 over the whole token: another signature, header or claim is another token.
  static Id IdOf(absl::string_view token);

  /// What was remembered; null where there is nothing, or it expired. Whether its keys are still
  /// those of the issuer is the caller's question.
  Value Find(const Id& id, absl::Time now);
  void Remember(const Id& id, Value value);
  void Forget(const Id& id);

  std::size_t size() const;
  std::size_t bytes() const;

 private:
  struct Entry {
    Id id;
    Value value;
    std::size_t bytes;
  };
  // The bytes are a hash already.
  struct IdHash {
    std::size_t operator()(const Id& id) const;
  };
  using Entries = std::list<Entry>;
  struct Shard {
    Mutex mutex;
    Entries entries ABSL_GUARDED_BY(mutex);  // The most recently used first.
    absl::flat_hash_map<Id, Entries::iterator, IdHash> by_id ABSL_GUARDED_BY(mutex);
    std::size_t bytes ABSL_GUARDED_BY(mutex) = 0;
  };
  static constexpr std::size_t kShards = 16;

  Shard& ShardOf(const Id& id) { return shards_[id.back() % kShards]; }
  static void Erase(Shard& shard, Entries::iterator entry)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);

  const Limits per_shard_;
  mutable std::array<Shard, kShards> shards_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_VERIFIED_TOKENS_H_
