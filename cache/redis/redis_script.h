// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_SCRIPT_H_
#define TOKENSVC_CACHE_REDIS_REDIS_SCRIPT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "asio/awaitable.hpp"
#include "cache/redis/redis_client.h"
#include "cache/redis/resp_value.h"

namespace tokensvc {

/// A script on one key. Sent by its digest, and in full where Redis does not know it (any more).
/// The script and the client outlive what runs.
class RedisScript {
 public:
  explicit RedisScript(const char* text);

  asio::awaitable<absl::StatusOr<RespValue>> Run(RedisClient& client,
                                                 std::vector<std::string> key_and_arguments) const;
  /// One that returns a number.
  asio::awaitable<absl::StatusOr<std::int64_t>> RunForNumber(
      RedisClient& client, std::vector<std::string> key_and_arguments) const;

 private:
  const std::string text_;
  const std::string sha1_;  // in lower-case hexadecimal digits
};

/// The answer is none that a script of ours gives.
absl::Status WrongKindOfAnswer();

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_SCRIPT_H_
