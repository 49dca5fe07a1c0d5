// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_BLOB_STORE_H_
#define TOKENSVC_CACHE_REDIS_REDIS_BLOB_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "asio/awaitable.hpp"
#include "cache/blob_store.h"
#include "cache/redis/redis_client.h"
#include "cache/redis/redis_script.h"

namespace tokensvc {

/// A BlobStore in Redis. GetMany sends one GET for each key in one pipeline; the others
/// run a script each, so that nothing happens between looking and storing. The scripts are sent by
/// their digest, and in full where Redis does not know them (any more). What the user may do in
/// Redis: deploy/redis/users.acl.
class RedisBlobStore final : public BlobStore {
 public:
  /// `key_prefix` comes before every key, for the ACL of a Redis that others use too. `client`
  /// outlives the store.
  RedisBlobStore(RedisClient& client, std::string key_prefix);

  asio::awaitable<std::vector<absl::StatusOr<std::optional<std::string>>>> GetMany(
      std::vector<std::string> keys) override;
  asio::awaitable<absl::StatusOr<PutOutcome>> Put(std::string key, std::string blob,
                                                  std::uint64_t generation,
                                                  absl::Time expires_at) override;
  asio::awaitable<absl::StatusOr<std::uint64_t>> NextGeneration(std::string key) override;
  asio::awaitable<absl::StatusOr<std::string>> PutIfUnchanged(std::string key, std::string expected,
                                                              std::string value,
                                                              absl::Time expires_at) override;

 private:
  std::string InStore(const std::string& key) const { return key_prefix_ + key; }

  RedisClient& client_;
  const std::string key_prefix_;
  const RedisScript put_;
  const RedisScript next_generation_;
  const RedisScript put_if_unchanged_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_BLOB_STORE_H_
