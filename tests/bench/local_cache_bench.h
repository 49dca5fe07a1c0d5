// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_LOCAL_CACHE_BENCH_H_
#define TOKENSVC_TESTS_BENCH_LOCAL_CACHE_BENCH_H_

#include <cstddef>
#include <vector>

#include "tests/bench/statistics.h"

namespace tokensvc::bench {

/// What a look-up costs in a cache with so many tokens, in random order over all of them.
struct LookupCost {
  std::size_t entries = 0;
  Median nanoseconds;           ///< `LocalCache::Lookup` alone.
  Median nanoseconds_in_whole;  ///< The way of a hit: request, key, look-up, token copied out.
  Median ratio;                 ///< Alone, against one entry, run by run.
  /// The same, of one key again and again: what the structure costs, without the memory's latency.
  Median ratio_of_one_key;
  Median ratio_in_whole;
};

struct LocalCacheResult {
  std::vector<LookupCost> lookups;
  double bytes_per_token = 0;  ///< Of memory taken from the allocator, for a token of 1,500 bytes.
  double counted_per_token = 0;  ///< What the cache itself counts.
};

/// Look-ups with 1, 1,000, 100,000 and `most` tokens, and the memory of a token.
LocalCacheResult RunLocalCacheBench(std::size_t most, int runs);

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_LOCAL_CACHE_BENCH_H_
