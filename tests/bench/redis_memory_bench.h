// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_REDIS_MEMORY_BENCH_H_
#define TOKENSVC_TESTS_BENCH_REDIS_MEMORY_BENCH_H_

#include <cstddef>
#include <functional>
#include <string>

#include "base/random.h"

namespace tokensvc::bench {

/// What a shared record costs the server that keeps it.
struct RedisMemoryResult {
  bool ok = false;
  double token_bytes = 0;   ///< On average.
  double record_bytes = 0;  ///< INFO's `used_memory`, all of it, for one record.
};

using TokenMaker = std::function<std::string(RandomGenerator&)>;

/// Has the service's own store put `records` tokens, all of them different, each in a tenant of its
/// own, into a redis-server of its own, and compares its memory before and after: keys, values,
/// tables, expiries and what the allocator rounds up.
RedisMemoryResult RunRedisMemoryBench(int records, const TokenMaker& make_token);

/// An app token whose claims are mostly names that repeat, as Entra ID's roles do.
std::string TokenWithRoles(RandomGenerator& random, std::size_t bytes);
/// One whose claims are mostly identifiers that never repeat, as its groups do.
std::string TokenWithGroups(RandomGenerator& random, std::size_t bytes);
/// One that is no JWT: random base64url.
std::string OpaqueToken(RandomGenerator& random, std::size_t bytes);

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_REDIS_MEMORY_BENCH_H_
