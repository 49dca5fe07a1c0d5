// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_SCRIPT_H_
#define TOKENSVC_CACHE_REDIS_REDIS_SCRIPT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "asio/awaitable.hpp"
#include "cache/redis/redis_client.h"
#include "cache/redis/resp_value.h"

namespace tokensvc {

/// A script that Redis runs as one step. Sent by its digest, and in full where Redis does not know
/// it (any more).
class RedisScript {
 public:
  explicit RedisScript(const char* text);

  /// Runs it on `keys`. This object and `client` outlive the run.
  asio::awaitable<absl::StatusOr<RespValue>> Run(RedisClient& client, std::vector<std::string> keys,
                                                 std::vector<std::string> arguments) const;

 private:
  const std::string text_;
  const std::string sha1_;  ///< In lower-case hexadecimal digits.
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_SCRIPT_H_
