// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_NEAR_CACHE_BENCH_H_
#define TOKENSVC_TESTS_BENCH_NEAR_CACHE_BENCH_H_

#include "tests/bench/statistics.h"

namespace tokensvc::bench {

/// Nanoseconds that a hit of the client library's near cache takes a caller: key, look-up, handle.
struct NearCacheResult {
  Median one_token;
  Median full;         ///< In a cache of 1,000 tokens, in random order.
  Median header;       ///< One token, its header copied into a string of the caller's.
  Median two_threads;  ///< One token, while another thread asks for it all the time.
  int calls = 0;       ///< To the service; one for each token, none for a hit.
};

NearCacheResult RunNearCacheBench(int runs);

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_NEAR_CACHE_BENCH_H_
